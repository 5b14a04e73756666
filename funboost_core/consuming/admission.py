"""Whether a message that was fetched may run: expired?  not due?  what do the plugins say?"""

from __future__ import annotations

import datetime
import math
from typing import TYPE_CHECKING, Any, Callable

from .. import binding
from ..errors import BadMessage, CannotJudge
from ..outcome import Admission, Later, Skip
from ..params import BoosterParams

if TYPE_CHECKING:
    from ..ports.broker import Delivery
    from ..task import Task

Admit = Callable[["Delivery"], "Admission | None"]

TIMES = frozenset({"countdown", "eta"})
"""Entries of an extra that put a message off."""


def steps(task: Task, params: BoosterParams, timed: bool = False) -> tuple[Admit, ...]:
    """The checks that `params` ask for, in order; the plugins' answer comes last.

    `timed`: the message has a countdown or eta.
    """
    checks: list[Admit] = []
    if params.is_show_message_get_from_broker:
        checks.append(show(task))
    if params.msg_expire_seconds is not None:
        checks.append(not_expired(task, params.msg_expire_seconds))
    if timed:
        checks.append(not_before(task))
    decide = binding.bind_deciding(task.hooks, "funboost_admit", "delivery", "task")
    if decide is not None:
        checks.append(lambda delivery: decide(delivery, task))
    return tuple(checks)


def asking(check: Admit, what: str) -> Admit:
    """`check`, which asks the state store: while that fails (`what` is not to be had) its message is given back."""

    def ask(delivery: Delivery) -> Admission | None:
        try:
            return check(delivery)
        except BadMessage:
            raise
        except Exception as error:
            raise CannotJudge(error=f"{what}: {type(error).__name__}: {error}") from error

    return ask


def show(task: Task) -> Admit:
    """Log each message that is taken."""

    def log(delivery: Delivery) -> None:
        task.logger.info("%s: taken %s", task.queue_name, delivery.body)

    return log


def not_expired(task: Task, seconds: float) -> Admit:
    """Skip what was published more than `seconds` ago."""
    clock = task.environment.clock

    def check(delivery: Delivery) -> Admission | None:
        age = clock.time() - delivery.extra["publish_time"]
        if age > seconds:
            return Skip(f"expired: published {age:.3f} s ago, the limit is {seconds} s")
        return None

    return check


def not_before(task: Task) -> Admit:
    """Put off what has a countdown or eta still to come; skip what is later than its misfire_grace_time."""
    clock, zone = task.environment.clock, task.environment.settings("TIMEZONE", "UTC")

    def check(delivery: Delivery) -> Admission | None:
        now, due = clock.time(), due_time(delivery.extra, zone)
        if due is None:
            return None
        if due > now:
            return Later(due, "not due yet")
        grace = delivery.extra.get("misfire_grace_time")
        if grace is not None and now - due > grace and not delivery.runs:  # a retry was in time once
            return Skip(f"{now - due:.3f} s late, misfire_grace_time is {grace} s")
        return None

    return check


def due_time(extra: dict[str, Any], zone: str) -> float | None:
    """When a message is due by its extra (epoch seconds); None when it says nothing.

    Raises:
        BadMessage: the countdown or eta cannot be read.
    """
    countdown, eta = extra.get("countdown"), extra.get("eta")
    try:
        if countdown is not None:
            due = float(extra["publish_time"]) + float(countdown)
            if not math.isfinite(due):
                raise ValueError("it never comes")
            return due
        if eta is None:
            return None
        moment = datetime.datetime.fromisoformat(str(eta))
        return (moment if moment.tzinfo else moment.replace(tzinfo=timezone(zone))).timestamp()
    except (ValueError, TypeError, OverflowError) as error:
        raise BadMessage(reason=f"countdown={countdown!r}, eta={eta!r} cannot be read: {error}") from error


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
    except (zoneinfo.ZoneInfoNotFoundError, OSError) as error:
        raise ValueError(f"no time zone {name!r} here; set TIMEZONE, and install tzdata on Windows") from error
