"""When a trigger fires next, and which of the times that have come are published.

Times are epoch seconds: datetimes of one zone compare and subtract by the clock on the wall, which is set back once a
year.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.calendarinterval import CalendarIntervalTrigger
from apscheduler.triggers.combining import AndTrigger, OrTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

MOST = 500
"""Times of one job that are published in a row; the others follow after those of other jobs."""
_INSTANT = timedelta(microseconds=1)
_TRIES = 5000


class Times(NamedTuple):
    """What becomes of the times of a job that have come; `following` is None when its trigger has ended."""

    publish: list[float]
    skip: list[float]
    following: float | None


def moment(seconds: float) -> datetime:
    """Epoch seconds as a datetime."""
    return datetime.fromtimestamp(seconds, timezone.utc)


def following(trigger: BaseTrigger, previous: float | None, now: float = 0.0) -> float | None:
    """The time after `previous`, or the first one from `now` on; None when there is none.

    Where clocks are set back, a cron trigger with fixed hours does not fire a second time in the hour that comes twice.
    """
    if isinstance(trigger, IntervalTrigger) and previous is not None:
        after = previous + float(trigger.interval.total_seconds())
        return None if trigger.end_date is not None and after > trigger.end_date.timestamp() else after
    if isinstance(trigger, CalendarIntervalTrigger) and previous is not None:
        return _stepped(trigger, moment(previous))
    if isinstance(trigger, DateTrigger) and previous is None:
        return float(trigger.run_date.timestamp())  # also when it has passed
    return _first(trigger, moment(now) if previous is None else moment(previous) + _INSTANT)


def _first(trigger: BaseTrigger, start: datetime) -> float | None:
    """The first time from `start` on, whatever came before: APScheduler's own combined triggers may loop for ever."""
    if isinstance(trigger, OrTrigger):
        found = [time for time in (_first(one, start) for one in trigger.triggers) if time is not None]
        return min(found, default=None)
    if isinstance(trigger, AndTrigger):
        return _together(trigger.triggers, start)
    if isinstance(trigger, DateTrigger):
        return float(trigger.run_date.timestamp()) if trigger.run_date >= start else None
    if isinstance(trigger, CalendarIntervalTrigger):
        step = _stepped(trigger, None)
        while step is not None and step < start.timestamp():
            step = _stepped(trigger, moment(step))
        return step
    time = trigger.get_next_fire_time(None, start)
    while time is not None and time.fold and isinstance(trigger, CronTrigger) and not _every_hour(trigger):
        time = trigger.get_next_fire_time(None, moment(time.timestamp()) + _INSTANT)
    return None if time is None else float(time.timestamp())


def _stepped(trigger: CalendarIntervalTrigger, previous: datetime | None) -> float | None:
    """The time after `previous`, which it counts from; None = its very first."""
    before = None if previous is None else previous.astimezone(trigger.timezone)
    time = trigger.get_next_fire_time(before, before or moment(0))
    return None if time is None else float(time.timestamp())


def _together(triggers: Sequence[BaseTrigger], start: datetime) -> float | None:
    """The first time that all of them have; None where that is not found soon enough to be believed in."""
    for _ in range(_TRIES):
        found = [_first(one, start) for one in triggers]
        times = [time for time in found if time is not None]
        if len(times) < len(found) or not times:
            return None
        if min(times) == max(times):
            return times[0]
        start = moment(max(times))
    return None


def _every_hour(trigger: CronTrigger) -> bool:
    return any("*" in str(field) for field in trigger.fields if field.name == "hour")


def times(trigger: BaseTrigger, planned: float, now: float, coalesce: bool, grace: int | None) -> Times:
    """What becomes of the times from `planned`, which has come, up to `now`."""
    come = [_latest(trigger, planned, now) if coalesce else planned]
    after = following(trigger, come[-1])
    while not coalesce and after is not None and after <= now and len(come) < MOST:
        come.append(after)
        after = following(trigger, after)
    late = [time for time in come if grace is not None and now - time > grace]
    return Times(come[len(late) :], late, after)


def _latest(trigger: BaseTrigger, planned: float, now: float) -> float:
    """The last time that is not after `now`, found without going through all since `planned`."""
    if isinstance(trigger, IntervalTrigger):
        end = now if trigger.end_date is None else min(now, trigger.end_date.timestamp())
        length: float = trigger.interval.total_seconds()
        return planned + max(0.0, (end - planned) // length) * length
    latest, window = planned, 1.0
    while now - window > planned:
        found = following(trigger, None, now - window)
        if found is not None and found <= now:
            latest = max(latest, found)
            break
        window *= 2
    while True:
        after = following(trigger, latest)
        if after is None or after > now:
            return latest
        latest = after
