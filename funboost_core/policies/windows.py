"""Times of day in which nothing starts, and minutes in which something may: asked before each fetch."""

from __future__ import annotations

import datetime
import re
from typing import TYPE_CHECKING, Callable

from ..consuming.gate import UNLIMITED
from ..errors import ConfigError
from ..timing import timezone
from .cron import Cron

if TYPE_CHECKING:
    from ..consuming.gate import Limit
    from ..task import Task

_DAY = 24 * 3600


def limits(task: Task) -> tuple[Limit, ...]:
    """The windows of a task; () for one that has none.

    Raises:
        ConfigError: one of them cannot be understood, or the setting TIMEZONE.
    """
    params, found, name = task.params, [], "TIMEZONE"
    if not params.is_do_not_run_by_specify_time_effect and params.run_window is None:
        return ()
    now = task.environment.clock.time
    try:
        zone = timezone(str(task.environment.settings(name, "UTC")))
        if params.is_do_not_run_by_specify_time_effect:
            name = "do_not_run_by_specify_time"
            found.append(_Window(Forbidden(*params.do_not_run_by_specify_time), now, zone))
        if params.run_window is not None:
            name = "run_window"
            found.append(_Window(Minutes(params.run_window), now, zone))
    except ValueError as error:
        raise ConfigError(f"{name} of queue {task.queue_name!r}: {error}") from error
    return tuple(found)


class Forbidden:
    """From `begin` until just before `end`, texts such as ``22:00:00``; over midnight where `end` is the earlier one.

    Raises:
        ValueError: it is no time of day, or both are the same.
    """

    def __init__(self, begin: str, end: str) -> None:
        self._begin, self._end = _seconds(begin), _seconds(end)
        if self._begin == self._end:
            raise ValueError(
                f"it begins and ends at {begin!r}, which may mean never or always; "
                "set is_do_not_run_by_specify_time_effect=False for never, pause the queue for always"
            )

    def look(self, moment: datetime.datetime) -> tuple[bool, float]:
        """Whether messages may start at `moment`, and the seconds after which that changes at the earliest."""
        now = moment.hour * 3600 + moment.minute * 60 + moment.second + moment.microsecond / 1e6
        closed = (now - self._begin) % _DAY < (self._end - self._begin) % _DAY
        return not closed, ((self._end if closed else self._begin) - now) % _DAY


class Minutes:
    """The minutes of one cron expression, or of any of several.

    Raises:
        ValueError: one is none.
    """

    def __init__(self, expressions: str | tuple[str, ...]) -> None:
        texts = (expressions,) if isinstance(expressions, str) else expressions
        if not texts:
            raise ValueError("it has no expression, so that nothing would ever start; None means no window")
        self._crons = [Cron(text) for text in texts]

    def look(self, moment: datetime.datetime) -> tuple[bool, float]:
        """As `Forbidden.look`."""
        return any(cron.matches(moment) for cron in self._crons), 60.0


class _Window:
    """A `Limit` of the gate.

    It is asked again at each full minute of the wall clock: then the hands of the clock jump, if they do.
    """

    def __init__(self, window: Forbidden | Minutes, now: Callable[[], float], zone: datetime.tzinfo) -> None:
        self._window = window
        self._now = now
        self._zone = zone

    def due(self, now: float) -> tuple[int, float]:
        """See `Limit.due`; `now` is no time of day and does not count."""
        moment = self._now()
        is_open, seconds = self._window.look(datetime.datetime.fromtimestamp(moment, self._zone))
        seconds = min(seconds, 60 - moment % 60)
        return (UNLIMITED if is_open else 0), max(seconds, 0.001)


def _seconds(text: str) -> int:
    """Seconds since midnight of a time such as ``09:30:00``."""
    match = re.fullmatch(r"(\d{1,2}):(\d\d):(\d\d)", text.strip())
    hour, minute, second = map(int, match.groups()) if match else (99, 0, 0)
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError(f"{text!r} is no time of day; write HH:MM:SS, for example '09:30:00' (midnight is '00:00:00')")
    return hour * 3600 + minute * 60 + second
