"""What a scheduler of periodic jobs implements: publishing the calls of one queue at set times.

Any number of schedulers, in any number of processes, may serve the same queue: they share its schedules through a job
store and each fire is published by one of them.  Whoever dies between publishing a fire and noting it leaves a second
copy to be published; `Fires` marks the copies, and the queue's consumers run one of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from logging import Logger

    from ..environment import Environment
    from ..publishing.fires import Fires


@dataclass(frozen=True)
class Schedule:
    """When a call is published, and with which arguments; all of it is JSON.

    `trigger` has a ``kind`` and its arguments.  Every scheduler knows ``{"kind": "interval", "seconds": 30}`` (also
    ``weeks``, ``days``, ``hours``, ``minutes``; the first time is one interval from now),
    ``{"kind": "date", "run_date": "2030-01-31 08:00:00"}`` and ``{"kind": "cron", "hour": 3, "minute": 30}``; times
    without a zone are in the setting TIMEZONE.

    What happens to times that no scheduler was there for:

    - `coalesce` and no `misfire_grace_time` (the default): of those missed the latest is published;
    - neither: all of them are published;
    - `misfire_grace_time`: what is more than so many seconds late is skipped.

    `next_due` (epoch seconds) is the scheduler's answer and ignored by `Scheduler.add`; None while paused.
    """

    id: str
    trigger: Mapping[str, Any]
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    misfire_grace_time: int | None = None
    coalesce: bool = True
    next_due: float | None = None


class SchedulerContext(NamedTuple):
    """What a scheduler is built from: `queue` has the namespace in front, `store` names where its jobs are kept."""

    kind: str
    queue: str
    store: str
    environment: Environment
    fires: Fires
    logger: Logger


class Scheduler(ABC):
    """Publishes the calls of one queue, through `SchedulerContext.fires`, when they are due.

    Its schedules can be changed whether it is started or not; what one scheduler changes, the others of the same store
    see within a second.  It takes the time from the environment's clock, and waits on it.
    """

    @abstractmethod
    def add(self, schedule: Schedule, replace: bool = False) -> None:
        """Add a schedule; with `replace`, one of the same id gives way, and where both have the same trigger the new
        one goes on at the times of the old one.

        Raises:
            ConfigError: the id is taken, or the trigger is none.
            SignatureError, NotSerializable: the arguments do not fit the function, or are not JSON.
        """

    @abstractmethod
    def all(self) -> list[Schedule]:
        """The schedules, those due soonest first, paused ones last."""

    @abstractmethod
    def remove(self, schedule_id: str) -> bool:
        """Remove a schedule; whether there was one."""

    @abstractmethod
    def pause(self, schedule_id: str) -> bool:
        """Let a schedule not fire until `resume`; whether there is one."""

    @abstractmethod
    def resume(self, schedule_id: str) -> bool:
        """Let a paused schedule fire again, at its next time from now; whether there is one."""

    @abstractmethod
    def start(self, paused: bool = False) -> None:
        """Begin to fire, or with `paused` only get ready to; without it, one that was started paused goes on."""

    @abstractmethod
    def stop(self) -> None:
        """Stop firing and release threads and connections; what a persistent store holds stays."""
