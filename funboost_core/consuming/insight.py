"""What a consumer knows of itself: how much it has done, how fast, how long the rest may take; told with each beat."""

from __future__ import annotations

import inspect
import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from ..ports.capability import Capability

if TYPE_CHECKING:
    from ..outcome import Outcome
    from ..ports.broker import PullBroker
    from ..task import Task
    from .fetching import Intake
    from .line import Line

UNIT = 10.0
"""Seconds that count as lately."""
MINUTE = 60.0
"""Seconds between two lines in the log."""


class Sum(NamedTuple):
    """What was counted up to a moment: messages finished, of them failed for good; timed runs and their seconds; and
    seconds of all runs together, estimated from how many there were at each beat."""

    at: float
    finished: int = 0
    failed: int = 0
    timed: int = 0
    spent: float = 0.0
    busy: float = 0.0

    def since(self, before: Sum) -> Sum:
        """The difference; `at` becomes the seconds in between."""
        return Sum(
            self.at - before.at,
            self.finished - before.finished,
            self.failed - before.failed,
            self.timed - before.timed,
            self.spent - before.spent,
            self.busy - before.busy,
        )

    @property
    def average(self) -> float | None:
        """Seconds of a run: measured where runs were timed, else estimated."""
        if self.timed:
            return self.spent / self.timed
        return self.busy / self.finished if self.finished else None

    @property
    def speed(self) -> float:
        """Messages a second."""
        return self.finished / self.at if self.at > 0 else 0.0


class Insight:
    """Counts of one consumer.  A bare success costs nothing here: it is counted by the intake anyway."""

    def __init__(self, task: Task, broker: PullBroker, intake: Intake, line: Line) -> None:
        self._task = task
        self._broker = broker
        self._intake = intake
        self._line = line
        self._clock = task.environment.clock
        self._failed = self._timed = 0
        self._spent = self._busy = 0.0
        self._began = self._clock.time()
        self._first = self._beaten = self._unit = self._minute = Sum(self._clock.monotonic())
        self._lately: Sum = Sum(0.0)
        self._last_run: float | None = None
        self._waiting = -1
        self._waited: float | None = None

    # -- counting -------------------------------------------------------------------------------------------------

    def ran(self, outcome: Outcome) -> None:
        """A run that was timed has ended."""
        if outcome.started < outcome.ended:
            self._timed += 1
            self._spent += outcome.ended - outcome.started

    def failed(self) -> None:
        """A message has failed for good."""
        self._failed += 1

    def beat(self) -> bool:
        """Once a second; whether a unit has ended."""
        now = self._clock.monotonic()
        self._busy += self._line.running * (now - self._beaten.at)
        total = self._total(now)
        if total.finished > self._beaten.finished:
            self._last_run = self._clock.time()
        self._beaten = total
        if now - self._unit.at < UNIT and self._unit is not self._first:
            return False
        self._lately, self._unit = total.since(self._unit), total
        self._count()
        if now - self._minute.at >= MINUTE:
            self._log(total.since(self._minute))
            self._minute = total
        return True

    def _total(self, now: float) -> Sum:
        return Sum(now, self._intake.finished, self._failed, self._timed, self._spent, self._busy)

    def _count(self) -> None:
        if Capability.COUNT not in self._task.capabilities:
            return
        try:
            self._waiting = self._broker.count()
        except Exception as error:
            self._task.logger.debug("%s: its messages could not be counted: %s", self._task.queue_name, error)
            self._waiting = -1
        if self._waiting > 0:
            self._waited = self._clock.time()

    # -- telling --------------------------------------------------------------------------------------------------

    @property
    def seconds_left(self) -> float | None:
        """Seconds in which this consumer alone would finish what waits, at its speed of lately."""
        speed = self._lately.speed
        return self._waiting / speed if self._waiting >= 0 and speed else None

    def describe(self) -> dict[str, Any]:
        """All of it, JSON-able."""
        total = self._total(self._clock.monotonic())
        lately = self._lately
        return {
            "queue": self._task.queue_name,
            **_place(self._task),
            "started": self._began,
            "time": self._clock.time(),
            "running": self._line.running,
            "finished": total.finished,
            "failed": total.failed,
            "average_seconds": total.since(self._first).average,
            "lately": {
                "seconds": lately.at,
                "finished": lately.finished,
                "failed": lately.failed,
                "average_seconds": lately.average,
            },
            "last_run": self._last_run,
            "waiting": self._waiting,
            "last_waiting": self._waited,
            "seconds_left": self.seconds_left,
        }

    def _log(self, minute: Sum) -> None:
        if not minute.finished:
            return
        left = self.seconds_left
        self._task.logger.info(
            "%s: %d finished in the last %.0f s (%.1f/s), %d of them failed, %.3g s each%s%s",
            self._task.queue_name,
            minute.finished,
            minute.at,
            minute.speed,
            minute.failed,
            minute.average or 0.0,
            f"; {self._waiting} wait" if self._waiting >= 0 else "",
            f", about {_duration(left)} left" if left else "",
        )


def _duration(seconds: float) -> str:
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"


def _place(task: Task) -> dict[str, Any]:
    code = getattr(inspect.unwrap(task.function), "__code__", None) if task.function else None
    return {
        "function": getattr(task.function, "__name__", ""),
        "file": code.co_filename if code else "",
        "host": host()[0],
        "ip": host()[1],
        "process_id": os.getpid(),
    }


@lru_cache(maxsize=1)
def host() -> tuple[str, str]:
    """Name and address of this host, as others may see them; nothing is sent to find out."""
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("10.255.255.255", 1))
            address = str(probe.getsockname()[0])
        except OSError:  # no network
            address = "127.0.0.1"
    return socket.gethostname(), address
