"""Moving a fake clock only when everybody waits for it: however slow the machine is, nobody comes too late."""

from __future__ import annotations

import time
from math import inf
from typing import Any, Callable

from funboost_testing.clock import FakeClock

from funboost_core import Environment

PATIENCE = 45.0
"""Real seconds that threads get to do what is due; they bound the waiting, not the verdict."""


class Steady:
    """Moves the clock of an environment, or of several, step by step.

    `called` says how many functions of tasks are being called without waiting for the clock (less those besides the
    framework's threads who do): they may look at it, or wait for something of the test's, and it goes on meanwhile.
    """

    def __init__(
        self,
        environment: Environment,
        clock: FakeClock,
        step: float,
        called: Callable[[], int] = lambda: 0,
        others: tuple[Environment, ...] = (),
    ) -> None:
        self._environments = (environment, *others)
        self._clock = clock
        self._step = step
        self._called = called

    def rest(self) -> None:
        """Return when all that is due has been done: every thread of the framework waits for the clock."""
        end = time.monotonic() + PATIENCE
        while not (self.quiet and self.quiet):
            assert time.monotonic() < end, f"it does not come to rest: {self._clock.waiting} wait"
            time.sleep(0.0005)

    @property
    def quiet(self) -> bool:
        """Whether every thread of the framework waits for the clock."""
        busy = -self._called()
        for worker in [environment.worker for environment in self._environments]:
            lines = [consumer.line for consumer in worker.consumers()]
            # a line of a pool that only calls functions has one thread, which fetches, besides what it has in its hands
            busy += sum(line.size if hasattr(line, "size") else line.running + 1 for line in lines)
            # the maintenance thread waits too, and that of the records; that of the deadlines while there are some, and
            # for the nearest although that run has ended
            busy += bool(lines) + (worker.history._thread is not None)
            busy += bool(worker.deadlines._dues) or worker.deadlines._next != inf
        return self._clock.waiting == busy

    def until(self, condition: Callable[[], Any], most: float) -> bool:
        """Make steps until `condition` holds, `most` seconds of the clock's time at most; whether it does."""
        for _ in range(int(most / self._step)):
            self.rest()
            if condition():
                return True
            self._clock.advance(self._step)
            time.sleep(0.001)  # functions that look at the clock see it pass
        self.rest()
        return eventually(condition)

    def pass_time(self, seconds: float) -> None:
        """Let so much time pass."""
        for _ in range(int(seconds / self._step)):
            self.rest()
            self._clock.advance(self._step)
            time.sleep(0.001)  # functions that look at the clock see it pass
        self.rest()


def eventually(condition: Callable[[], Any]) -> bool:
    """Wait for what threads of the test's own do, or those that do not look at the clock; whether they did."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.002)
    return True
