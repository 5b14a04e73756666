"""`qps` as a schedule of evenly spaced starts on a monotonic clock, for 0.01 and for 10,000 alike."""

from __future__ import annotations

from typing import Protocol

EPSILON = 1e-9
_SHARE = 0.02
"""Share of a second's starts by which a sliding second may exceed the rate after a delay."""


class Pace(Protocol):
    """A schedule of starts, asked by the thread that fetches."""

    qps: float

    def change(self, qps: float) -> None:
        """Use another rate from now on; called by any thread."""

    def due(self, now: float) -> tuple[int, float]:
        """How many starts are due, and in how many seconds the next one is when none is."""

    def confirm(self, fetched: int, now: float) -> int:
        """How many of the messages that were fetched may still start."""

    def rested(self, now: float) -> None:
        """There was nothing to start: the schedule begins afresh instead of counting the time as lateness."""

    def used(self, starts: int, now: float) -> None:
        """`starts` runs were begun at `now`."""


def lateness(qps: float) -> float:
    """By how many seconds a start may be late and still have its place in the schedule.

    Less than one interval (less still for 3.7 a second: four starts and one that was late would be five), or a fiftieth
    of a second's starts but one: together with the start that is due neither exceeds ``max(qps + 1, 1.02 * qps)``.
    """
    return max(0.99 * (1 - qps % 1) / qps, _SHARE - 1 / qps)


class Rate:
    """Due times ``1 / qps`` apart on a fixed grid.

    A start that comes late keeps the grid, so the mean is exact; what may be caught up at once is bounded, so that in
    any sliding second there are at most ``max(qps + 1, 1.02 * qps)`` starts, also after the schedule lay idle.
    Not thread-safe: only the thread that fetches uses it, and it follows when another one calls `change`.

    Example::

        rate = Rate(2)
        assert rate.due(now=10.0) == (1, 0.0)
        rate.used(1, now=10.0)
        assert rate.due(now=10.0) == (0, 0.5)
    """

    def __init__(self, qps: float) -> None:
        self._next: float | None = None
        self._interval = 0.0
        self.qps: float = qps
        self._follow(qps)

    def change(self, qps: float) -> None:
        """Use another rate from now on: the next start follows the last one at the new distance."""
        self.qps = qps

    def _follow(self, qps: float) -> None:
        self._followed = qps
        if self._next is not None:
            self._next += 1.0 / qps - self._interval
        self._interval = 1.0 / qps
        self._lateness = lateness(qps)

    def due(self, now: float) -> tuple[int, float]:
        """How many starts are due, and in how many seconds the next one is when none is."""
        if self.qps != self._followed:
            self._follow(self.qps)
        if self._next is None:
            return 1, 0.0
        late = now - self._next
        if late < -EPSILON:
            return 0, -late
        return 1 + int(min(late, self._lateness) / self._interval + EPSILON), 0.0

    def confirm(self, fetched: int, now: float) -> int:
        """All: nobody else uses this schedule."""
        return fetched

    def rested(self, now: float) -> None:
        """There was nothing to start: the schedule begins afresh instead of counting the time as lateness."""
        if self._next is not None and now > self._next:
            self._next = now

    def used(self, starts: int, now: float) -> None:
        """`starts` runs were begun at `now`."""
        if starts:
            begin = now if self._next is None else max(self._next, now - self._lateness)
            self._next = begin + starts * self._interval
