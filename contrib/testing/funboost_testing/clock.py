"""Clocks for tests: one that is moved by hand, and one that really lets the time pass."""

from __future__ import annotations

from contextlib import suppress
from time import monotonic
from typing import Any

from funboost_core.clock import Clock
from funboost_core.native import Condition, Lock, sleep

_NS = 1_000_000_000


class _Waiter:
    """One thread that waits with a deadline (nanoseconds since the clock was made)."""

    def __init__(self, condition: Condition, deadline: int) -> None:
        self.condition = condition
        self.deadline = deadline
        self.asleep = True  # not notified yet
        self._sleep = Lock()
        self._sleep.acquire()

    def wait(self) -> None:
        """As `Condition.wait`, which does not tell who of several has been notified."""
        condition: Any = self.condition
        condition._waiters.append(self)
        state = condition._release_save()
        try:
            self._sleep.acquire()
        finally:
            condition._acquire_restore(state)
            with suppress(ValueError):  # who notifies has removed it
                condition._waiters.remove(self)

    def release(self) -> None:
        """Called by who notifies: for a condition this is the lock that it waits for."""
        self.asleep = False
        self._sleep.release()


class FakeClock(Clock):
    """A clock that stands still until `advance` moves it.

    Time is counted in whole nanoseconds, so ten steps of 0.1 seconds are exactly one second.

    Args:
        start: what `time` says at first, epoch seconds; `monotonic` begins at 1000.

    Example::

        clock = FakeClock()
        environment = Environment(clock=clock)
        thread = Thread(target=clock.sleep, args=(60,))
        thread.start()
        clock.until_waiting(1)
        clock.advance(60)
        thread.join()
    """

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._start = round(start * _NS)
        self._elapsed = 0
        self._waiters: set[_Waiter] = set()
        self._lock = Lock()  # guards the three above; never held while a waiter's condition is acquired

    def time(self) -> float:
        """Seconds since the epoch, as far as this clock is concerned."""
        return (self._start + self._elapsed) / _NS

    def monotonic(self) -> float:
        """Seconds; not those of `time`, so that a mix-up shows."""
        return 1000 + self._elapsed / _NS

    def advance(self, seconds: float) -> None:
        """Move the time forward and wake all whose deadline has come.

        Do not call it while holding a condition that another thread waits on.
        """
        if seconds < 0:
            raise ValueError(f"a clock does not go back ({seconds} seconds)")
        with self._lock:
            self._elapsed += round(seconds * _NS)
            conditions = {id(w.condition): w.condition for w in self._waiters if w.deadline <= self._elapsed}
        for condition in conditions.values():
            with condition:  # who registered holds it until it really waits: nobody can be missed
                condition.notify_all()

    def wait(self, condition: Condition, seconds: float | None) -> bool:
        """Wait on `condition`, which the caller holds; False when `advance` has passed the deadline.

        As with every condition, True does not mean that what the caller waits for has happened: it looks again.
        """
        if seconds is None or seconds <= 0:
            return condition.wait(seconds)
        return self._wait_until(condition, self._elapsed + max(1, round(seconds * _NS)))

    def _wait_until(self, condition: Condition, deadline: int) -> bool:
        waiter = _Waiter(condition, deadline)
        with self._lock:
            if deadline <= self._elapsed:
                return False
            self._waiters.add(waiter)
        try:
            waiter.wait()
        finally:
            with self._lock:
                self._waiters.remove(waiter)
        return deadline > self._elapsed

    def sleep(self, seconds: float) -> None:
        """Return when `advance` has moved the time by `seconds`; at once for 0."""
        condition = Condition()
        with condition:
            deadline = self._elapsed + round(seconds * _NS)
            while self._elapsed < deadline:
                self._wait_until(condition, deadline)

    @property
    def waiting(self) -> int:
        """How many threads wait with a deadline just now, all at once; one that has been notified does not any more."""
        return len(self._deadlines())

    def next_deadline(self) -> float | None:
        """When (as `time` counts) the first of the waiting threads gives up; None when none waits."""
        deadlines = self._deadlines()
        return (self._start + min(deadlines)) / _NS if deadlines else None

    def _deadlines(self) -> list[int]:
        with self._lock:  # who is notified meanwhile cannot come back and count as well as whom it notifies
            return [waiter.deadline for waiter in self._waiters if waiter.asleep]

    def until_waiting(self, count: int, timeout: float = 30.0) -> None:
        """Block until at least `count` threads wait, as `waiting` counts; AssertionError after `timeout` real seconds.

        Who has been woken counts only when it waits again, so that `advance` cannot slip in between its look at the time
        and its wait.
        """
        end = monotonic() + timeout
        while (waiting := self.waiting) < count:
            if monotonic() >= end:
                raise AssertionError(f"{waiting} threads wait on the clock, not {count}")
            sleep(0.001)


class RealTimeClock(Clock):
    """The system's clocks with the interface of `FakeClock`, for stores whose server keeps the time itself."""

    def advance(self, seconds: float) -> None:
        """Let `seconds` really pass."""
        sleep(seconds)

    def until_waiting(self, count: int, timeout: float = 30.0) -> None:
        """Give the threads of the test a moment to begin waiting; they cannot be counted."""
        sleep(min(0.2, timeout))
