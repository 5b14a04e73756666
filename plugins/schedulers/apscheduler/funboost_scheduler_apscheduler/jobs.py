"""A row of a table as what fires, as an APScheduler job, and back: JSON, never a pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from random import uniform
from typing import TYPE_CHECKING, Any, NamedTuple

from apscheduler.job import Job
from apscheduler.triggers.base import BaseTrigger

from . import triggers
from .missed import following, moment

if TYPE_CHECKING:
    from .tables.base import Row


def push(*args: Any, **kwargs: Any) -> None:
    """Stand for publishing in APScheduler's jobs; a scheduler publishes by itself and never calls it."""
    raise NotImplementedError("jobs of this scheduler are published by it; f.push(...) publishes now")


class Plan(NamedTuple):
    """What firing needs of a job; `trigger` is without the jitter (seconds), which is added here."""

    trigger: BaseTrigger
    jitter: float
    args: list[Any]
    kwargs: dict[str, Any]
    misfire_grace_time: int | None
    coalesce: bool

    def first(self, now: float) -> float | None:
        """The first time from `now` on."""
        return following(self.trigger, None, now)

    def late(self, planned: float) -> float:
        """When what is planned is published."""
        return planned + round(uniform(0, self.jitter), 3) if self.jitter else planned


def plan(body: bytes) -> Plan:
    """What the JSON of a row says."""
    data = json.loads(body)
    trigger, jitter = _trigger(json.dumps(data["trigger"]))
    return Plan(trigger, jitter, data["args"], data["kwargs"], data["misfire_grace_time"], data["coalesce"])


@lru_cache(maxsize=4096)
def _trigger(text: str) -> tuple[BaseTrigger, float]:
    data = json.loads(text)
    return triggers.load(data, jitter=False), _jitter(data)


def _jitter(data: Mapping[str, Any]) -> float:
    return max(data.get("jitter") or 0, *(_jitter(one) for one in data.get("triggers", ())), 0)


def dump(job: Job) -> bytes:
    """The JSON of a job: its trigger, arguments and options.

    Raises:
        ConfigError: its trigger cannot be kept.
    """
    return json.dumps(
        {
            "trigger": triggers.dump(job.trigger),
            "args": list(job.args),
            "kwargs": dict(job.kwargs),
            "name": job.name,
            "misfire_grace_time": job.misfire_grace_time,
            "coalesce": job.coalesce,
            "max_instances": job.max_instances,
        },
        ensure_ascii=False,
    ).encode()


def load(row: Row, scheduler: Any, alias: str) -> Job:
    """The APScheduler job of a row."""
    data: Mapping[str, Any] = json.loads(row.body)
    trigger = triggers.load(data["trigger"])
    job = Job(
        scheduler,
        id=row.id,
        func=push,
        executor="default",
        next_run_time=None if row.due is None else moment(row.due).astimezone(scheduler.timezone),
        **{**data, "trigger": trigger, "args": tuple(data["args"])},
    )
    job._jobstore_alias = alias
    return job


def timed(row: Row, planned: float | None) -> Row:
    """`row` planned for that time, its jitter added; None pauses it."""
    due = None if planned is None else plan(row.body).late(planned)
    return row._replace(planned=planned, due=due, ready=due)


def declared_again(present: Row, row: Row, unanchored: bool, default_grace: bool) -> Row:
    """`row` in the place of `present`: at the times of that one where both have the same trigger.

    `unanchored`: the start of the trigger is no more than the time at which it was made; `default_grace`: the user gave
    no misfire_grace_time, so that one here says that the time has passed since, which makes it missed.
    """
    old, new = json.loads(present.body), json.loads(row.body)
    if unanchored and "start_date" in old["trigger"]:
        new["trigger"]["start_date"] = old["trigger"]["start_date"]
    if new["trigger"] != old["trigger"]:
        return row
    if default_grace and new["misfire_grace_time"]:
        new["misfire_grace_time"] = old["misfire_grace_time"]
    return present._replace(body=json.dumps(new, ensure_ascii=False).encode())
