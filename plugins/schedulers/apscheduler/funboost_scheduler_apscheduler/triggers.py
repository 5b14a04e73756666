"""Triggers as JSON, and made with the time of the environment's clock where APScheduler would ask the system's."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.calendarinterval import CalendarIntervalTrigger
from apscheduler.triggers.combining import AndTrigger, OrTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from funboost_core.errors import ConfigError

KINDS = {
    "calendarinterval": CalendarIntervalTrigger,
    "cron": CronTrigger,
    "date": DateTrigger,
    "interval": IntervalTrigger,
}
_COMBINED = {"and": AndTrigger, "or": OrTrigger}
_DATES = ("start_date", "end_date", "run_date")


def build(kind: str, arguments: Mapping[str, Any], now: datetime.datetime) -> BaseTrigger:
    """The trigger of APScheduler's alias `kind`; `now` has the zone that holds where the arguments name none.

    Raises:
        ConfigError: there is no such trigger, or it does not take these arguments.
    """
    cls = KINDS.get(kind)
    if cls is None:
        raise ConfigError(f"There is no trigger {kind!r}. Use one of: {', '.join(KINDS)}, or a trigger object.")
    given: dict[str, Any] = {"timezone": now.tzinfo, **arguments}
    if cls is DateTrigger and given.get("run_date") is None:
        given["run_date"] = now
    try:
        if cls is CalendarIntervalTrigger and given.get("start_date") is None:
            given["start_date"] = now.date()
        elif cls is IntervalTrigger and given.get("start_date") is None:
            given["start_date"] = now + IntervalTrigger(**given).interval
        return cls(**given)
    except (TypeError, ValueError, LookupError) as error:
        raise ConfigError(f"The trigger {kind!r} does not take {dict(arguments)}: {error}") from error


def dump(trigger: BaseTrigger) -> dict[str, Any]:
    """A trigger as JSON-able data: its kind and the arguments that make it anew.

    Raises:
        ConfigError: it is of a class of the user's, or its time zone has no name.
    """
    for kind, combined in _COMBINED.items():
        if type(trigger) is combined:
            return {"kind": kind, "triggers": [dump(one) for one in trigger.triggers], "jitter": trigger.jitter}
    kind = next((kind for kind, cls in KINDS.items() if type(trigger) is cls), "")
    if not kind:
        raise ConfigError(
            f"The trigger {trigger!r} cannot be kept as JSON. Use one of: {', '.join((*KINDS, *_COMBINED))}."
        )
    names = [name for name in (*_DATES, "jitter", "years", "months", "weeks", "days") if hasattr(trigger, name)]
    found = {name: getattr(trigger, name) for name in names}
    if kind == "cron":
        found.update((field.name, str(field)) for field in trigger.fields if not field.is_default)
    elif kind == "interval":
        found["seconds"] = trigger.interval.total_seconds()
    elif kind == "calendarinterval":
        time = trigger._time
        found.update(hour=time.hour, minute=time.minute, second=time.second)
    zone = trigger.run_date.tzinfo if kind == "date" else trigger.timezone
    found["timezone"] = zone_name(zone)
    for name in _DATES:
        date = found.get(name)
        if isinstance(date, datetime.datetime):
            date = date.astimezone(zone)
        if date is not None:
            found[name] = date.isoformat()
    return {"kind": kind, **{name: value for name, value in found.items() if value is not None}}


def load(data: Mapping[str, Any], jitter: bool = True) -> BaseTrigger:
    """The trigger of what `dump` returned; without its jitter where that is added by somebody else."""
    arguments = dict(data)
    kind = arguments.pop("kind")
    if not jitter:
        arguments.pop("jitter", None)
    if kind in _COMBINED:
        return _COMBINED[kind]([load(one, jitter) for one in arguments["triggers"]], arguments.get("jitter"))
    if kind != "calendarinterval":
        zone = zone_of(arguments["timezone"])
        for name in _DATES:
            if name in arguments:
                arguments[name] = datetime.datetime.fromisoformat(arguments[name]).astimezone(zone)
        arguments["timezone"] = zone
    return KINDS[kind](**arguments)


def zone_of(name: str) -> datetime.tzinfo:
    """The zone of what `zone_name` returned."""
    if name[:1] in "+-":
        return datetime.datetime.strptime(name, "%z").tzinfo or datetime.timezone.utc
    from funboost_core.timing import timezone

    return timezone(name)


def zone_name(zone: Any) -> str:
    """The name of a time zone, or its offset.

    Raises:
        ConfigError: it has neither.
    """
    name = getattr(zone, "key", None) or getattr(zone, "zone", None)  # zoneinfo, pytz
    if name:
        return str(name)
    if isinstance(zone, datetime.timezone):
        text = datetime.datetime(2000, 1, 1, tzinfo=zone).strftime("%z")
        return "UTC" if text == "+0000" else text
    raise ConfigError(f"The time zone {zone!r} has no name, so a job cannot keep it. Use one like 'Asia/Shanghai'.")
