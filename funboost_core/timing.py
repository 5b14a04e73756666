"""When a message is due, how old it is, and which clock counts.

A message carries the time of its publisher's clock; whoever consumes has another.  The rule, here and nowhere else:

- A ``publish_time`` in the future counts as now: ages are never negative, and a countdown never takes longer than from
  the moment at which the message is received.  More than `SKEW` seconds are worth a warning, once a queue.
- A publisher whose clock is behind is believed: its messages expire, and are due, by what they say.
- Whether the time of a message that waits somewhere has come is decided by the clock of that place.  What was put off
  carries its ``due_time`` instead of its countdown or eta, and is not put off again.
"""

from __future__ import annotations

import datetime
import math
import weakref
from typing import TYPE_CHECKING, Any

from .errors import BadMessage

if TYPE_CHECKING:
    from .task import Task

TIMES = frozenset({"countdown", "eta", "due_time"})
"""Entries of an extra that say when a message is due; the last is written when it is put off."""
SKEW = 5.0
"""Seconds by which a publisher's clock may be ahead without a warning."""

_warned: weakref.WeakSet[Task] = weakref.WeakSet()


def published(extra: dict[str, Any], task: Task, now: float) -> float:
    """When a message was published, as far as it can be believed (epoch seconds)."""
    claimed = extra["publish_time"]
    if claimed - now > SKEW and task not in _warned:
        _warned.add(task)
        task.logger.warning(
            "%s: %s was published %.1f s in the future: the clock of its publisher is ahead, or that of this host is "
            "behind. Such messages count as published when they arrive; synchronise the clocks.",
            task.queue_name,
            extra["task_id"],
            claimed - now,
        )
    return min(now, float(claimed))  # in this order: now also where it is not a number


def due_time(extra: dict[str, Any], zone: str, published: Any) -> float | None:
    """When a message is due by its extra (epoch seconds); None when it says nothing.

    Args:
        extra: of the message.
        zone: of an eta that names none.
        published: what a countdown counts from, epoch seconds.

    Raises:
        BadMessage: the countdown or eta cannot be read.
    """
    countdown, eta, due = extra.get("countdown"), extra.get("eta"), extra.get("due_time")
    try:
        if countdown is not None:
            due = float(published) + float(countdown)
            if not math.isfinite(due):
                raise ValueError("it never comes")
        elif eta is not None:
            moment = parse(str(eta))
            due = (moment if moment.tzinfo else moment.replace(tzinfo=timezone(zone))).timestamp()
    except (ValueError, TypeError, OverflowError) as error:
        raise BadMessage(reason=f"countdown={countdown!r}, eta={eta!r} cannot be read: {error}") from error
    return float(due) if isinstance(due, (int, float)) else None  # a due_time of somebody else's is none


def parse(eta: str) -> datetime.datetime:
    """The time that a text such as ``2030-01-31 08:00:00`` means.

    Raises:
        ValueError: it is none.
    """
    return datetime.datetime.fromisoformat(eta[:-1] + "+00:00" if eta.endswith(("Z", "z")) else eta)


def timezone(name: str) -> datetime.tzinfo:
    """The zone of that name.

    Raises:
        ValueError: there is no such zone here.
    """
    if name == "UTC":
        return datetime.timezone.utc
    import zoneinfo

    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, OSError, ValueError) as error:
        raise ValueError(f"no time zone {name!r} here; set TIMEZONE, and install tzdata on Windows") from error
