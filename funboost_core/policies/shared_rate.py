"""One `qps` for all consumers of a queue or group: each reserves blocks of due times in the state store and keeps to them."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Callable

from .rate import EPSILON, Pace, Rate, lateness

if TYPE_CHECKING:
    from ..task import Task

Reserve = Callable[[str, float, int, float], "tuple[float, int]"]
"""`Coordinator.reserve`."""

BLOCK = 0.2
"""Most seconds of the schedule that one consumer holds, and wastes if it dies; one due time where they are farther apart."""
LEAD = 0.02
"""Of them, so many are reserved ahead, so that asking for the next block costs no due time."""
LONGEST_PAUSE = 30.0


def shared(task: Task) -> bool:
    """Whether the task shares its rate with other consumers."""
    return task.params.is_using_distributed_frequency_control or task.params.rate_group is not None


def scope_of(task: Task) -> str:
    """What its rate belongs to in the state store: the group, else the queue."""
    group = task.params.rate_group
    return task.queue if group is None else task.environment.namespaced(f"rate_group:{group}")


def pace_of(task: Task) -> Callable[[float], Pace]:
    """What makes the schedule of a task from its `qps`."""
    if not shared(task):
        return Rate
    environment = task.environment

    def reserve(scope: str, interval: float, most: int, horizon: float) -> tuple[float, int]:
        return environment.state.coordinator.reserve(scope, interval, most, horizon)

    def trouble(error: Exception) -> None:
        task.logger.warning(
            "%s: the shared rate cannot be asked (%s: %s); nothing more starts until it can",
            task.queue_name,
            type(error).__name__,
            error,
        )
        environment.worker.trouble(error)

    clock, scope, declared = environment.clock, scope_of(task), task.params.qps
    return lambda qps: SharedRate(qps, declared, reserve, scope, clock.monotonic, trouble)


class SharedRate:
    """A `Rate` whose due times come from a schedule in the state store.

    A due time that is missed by more than a `Rate` would make up for is lost.  A consumer that found nothing to start
    asks the store only once something has come, and then for one due time; who keeps up gets twice as many each time,
    up to a block.  `declared` is the rate of the task; another one, ordered for all consumers at once, has a schedule of
    its own, because the old one may be booked for minutes.

    Example::

        rate = SharedRate(2, 2, state.coordinator.reserve, "q", clock.monotonic, print)
        if rate.due(now)[0]:
            starts = rate.confirm(len(fetched), now)
            rate.used(starts, now)
    """

    def __init__(
        self,
        qps: float,
        declared: float | None,
        reserve: Reserve,
        scope: str,
        clock: Callable[[], float],
        trouble: Callable[[Exception], None],
    ) -> None:
        self.qps: float = qps
        self._declared = declared
        self._ask = reserve
        self._base = scope
        self._clock = clock
        self._trouble = trouble
        self._held: deque[tuple[float, int]] = deque()  # (first due time, how many)
        self._idle = True  # the last permission was not used: there may be nothing to start
        self._failures = 0
        self._blocked = 0.0  # the store failed: until when it is not asked
        self._follow(qps)

    def change(self, qps: float) -> None:
        """Use another rate from now on."""
        self.qps = qps  # the thread that fetches follows

    def due(self, now: float) -> tuple[int, float]:
        """How many starts are due, and in how many seconds the next one is when none is."""
        if self.qps != self._followed:
            self._follow(self.qps)
        self._drop(now)
        if (self._failures or not self._idle) and now >= self._blocked:
            keeps_up = now <= self._started + max(self._interval, LEAD)
            if not self._held or (keeps_up and self._last + self._interval <= now + LEAD):
                self._reserve(2 * self._most if keeps_up else 1)
                now = self._clock()
        if not self._held:
            return (0, max(EPSILON, self._blocked - now)) if self._failures else (1, 0.0)
        starts = self._startable(now)
        if not starts:
            return 0, self._held[0][0] - now
        self._idle = True
        return starts, 0.0

    def confirm(self, fetched: int, now: float) -> int:
        """How many of the messages that were fetched may start; where nothing had been reserved, it is now."""
        self._drop(now)
        starts = self._startable(now)
        if starts < fetched and starts == sum(n for _, n in self._held) and now >= self._blocked:
            self._reserve(fetched - starts)
            starts = self._startable(self._clock())
        return min(starts, fetched)

    def rested(self, now: float) -> None:
        """Nothing: a due time that has passed is lost, and nothing was reserved meanwhile."""

    def used(self, starts: int, now: float) -> None:
        """`starts` runs were begun at `now`."""
        if starts:
            self._idle, self._started = False, now
            self._take(starts)

    def _follow(self, qps: float) -> None:
        """Begin at this rate; what is held of another one is lost."""
        self._followed = qps
        self._scope = self._base if qps == self._declared else f"{self._base}@{qps:g}"
        self._interval = 1.0 / qps
        self._lateness = lateness(qps)
        self._held.clear()
        self._last = 0.0  # the last due time that was reserved
        self._started = 0.0  # when the last start was
        self._most = 1  # due times of the last block

    def _reserve(self, most: int) -> None:
        try:
            first, count = self._ask(self._scope, self._interval, most, BLOCK - LEAD)
        except Exception as error:
            self._failures += 1
            self._blocked = self._clock() + min(LONGEST_PAUSE, 0.05 * 2 ** min(self._failures, 10))
            if self._failures == 1:
                self._trouble(error)
            return
        self._failures = 0
        first += self._clock()
        self._held.append((first, count))
        self._last = first + (count - 1) * self._interval
        self._most = count

    def _startable(self, now: float) -> int:
        return sum(
            min(count, 1 + int((now - first) / self._interval + EPSILON))
            for first, count in self._held
            if first <= now + EPSILON
        )

    def _drop(self, now: float) -> None:
        """Lose what is too late."""
        begin = now - self._lateness - EPSILON
        while self._held and self._held[0][0] < begin:
            first, count = self._held[0]
            self._take(min(count, 1 + int((begin - first) / self._interval)))

    def _take(self, count: int) -> None:
        while count and self._held:
            first, held = self._held.popleft()
            taken = min(count, held)
            count -= taken
            if held > taken:
                self._held.appendleft((first + taken * self._interval, held - taken))
