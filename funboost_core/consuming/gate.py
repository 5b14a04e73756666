"""May anything be fetched now?  Stopped, paused, and the rate: asked before each fetch, so that nothing is held."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Callable, Protocol

from ..native import Condition
from ..policies.rate import Pace, Rate

if TYPE_CHECKING:
    from ..clock import Clock

UNLIMITED = 1_000_000_000
STEP = 1.0
"""Most seconds of one wait where something has to be done meanwhile."""


class Limit(Protocol):
    """What may close the gate for a while; asked by the thread that fetches."""

    def due(self, now: float) -> tuple[int, float]:
        """How many messages may start at monotonic time `now` (many when it does not count), else the seconds until some may.

        With messages that may start, the seconds are those for which that holds, 0 when it does not end by itself.
        """


class Gate:
    """Blocks the thread that is about to fetch until something may start.

    `limits` (time windows and the like) must all agree, besides the rate, which `pace` makes from a `qps`.  `idle` is
    called with the seconds to wait instead of sleeping where the broker must be served meanwhile.
    """

    def __init__(
        self,
        clock: Clock,
        qps: float | None,
        idle: Callable[[float], None] | None = None,
        limits: tuple[Limit, ...] = (),
        pace: Callable[[float], Pace] = Rate,
    ) -> None:
        self._clock = clock
        self._changed = Condition()
        self._changes = 0  # so that none comes unnoticed between a look and the waiting
        self._idle = idle
        self._limits = limits
        self.holds: float = inf
        """Seconds for which the last permit holds: what comes later must not start."""
        self._pace = pace
        self.rate: Pace | None = pace(qps) if qps else None
        self.paused: bool = False
        self.full: bool = False
        """Whether too many runs hang, so that nothing more is taken."""
        self.waiting: bool = False
        """Whether somebody waits here."""
        self.stopped: bool = False
        self.serve: Callable[[], None] | None = None
        """Called again and again while somebody waits, by who does: what only it may do."""

    def permit(self, wait: bool = True) -> int:
        """How many messages may start now, waiting (unless told not to) until it is at least one; 0 when stopped."""
        while not self.stopped:
            changes = self._changes
            starts, seconds = self._due()
            if starts or not wait:
                return starts
            self.waiting = True
            try:
                self._wait(seconds, changes)
            finally:
                self.waiting = False
        return 0

    def _due(self) -> tuple[int, float | None]:
        if self.paused or self.full:
            return 0, None
        rate = self.rate  # looked at once, here and below: it may be changed by other threads
        if rate is None and not self._limits:
            return UNLIMITED, 0.0
        now, self.holds = self._clock.monotonic(), inf
        for limit in self._limits:
            starts, wait = limit.due(now)
            if not starts:
                return 0, wait
            if wait:
                self.holds = min(self.holds, wait)
        return (UNLIMITED, 0.0) if rate is None else rate.due(now)

    @property
    def closed(self) -> bool:
        """Whether one of the limits lets nothing through now."""
        now = self._clock.monotonic()
        return not all(limit.due(now)[0] for limit in self._limits)

    @property
    def may_wait(self) -> bool:
        """Whether `permit` may take long."""
        return self.rate is not None or self.paused or self.full or bool(self._limits)

    @property
    def shut(self) -> bool:
        """Whether nothing may start until somebody opens it."""
        return self.stopped or self.paused or self.full

    def confirm(self, fetched: int) -> int:
        """How many of the messages that were just fetched may still start; the others go back."""
        if self.shut:
            return 0
        rate = self.rate
        return fetched if rate is None else rate.confirm(fetched, self._clock.monotonic())

    def wait(self) -> bool:
        """Wait until one message that is here already may start; False when stopped."""
        while self.permit():
            if self.confirm(1):
                return True
        return False

    def used(self, starts: int) -> None:
        """`starts` messages were admitted; what was skipped or put off costs no start."""
        rate = self.rate
        if rate is not None:
            rate.used(starts, self._clock.monotonic())

    def rested(self) -> None:
        """Messages came after there had been none."""
        rate = self.rate
        if rate is not None:
            rate.rested(self._clock.monotonic())

    def pause(self, paused: bool) -> None:
        """Close or open the gate."""
        if paused != self.paused:
            self.paused = paused
            self._notify()

    def fill(self, full: bool) -> None:
        """Close the gate while too many runs hang."""
        if full != self.full:
            self.full = full
            self._notify()

    def change_rate(self, qps: float | None) -> None:
        """Use another rate from now on; None = no limit."""
        rate = self.rate
        if qps is None:
            self.rate = None
        elif rate is None:
            self.rate = self._pace(qps)
        else:
            rate.change(qps)
        self._notify()

    def hold(self, seconds: float) -> None:
        """Wait, for example before a broker that failed is asked again; stopping ends it."""
        with self._changed:
            if not self.stopped:
                self._clock.wait(self._changed, seconds)

    def stop(self) -> None:
        """Let nothing through any more and end the waiting."""
        self.stopped = True
        self._notify()

    def _wait(self, seconds: float | None, changes: int) -> None:
        step = STEP if seconds is None else min(seconds, STEP)
        if self.serve is not None:
            self.serve()
            seconds = step
        if self._idle is not None:
            self._idle(step)
            return
        with self._changed:
            if not self.stopped and self._changes == changes:
                self._clock.wait(self._changed, seconds)

    def _notify(self) -> None:
        with self._changed:
            self._changes += 1
            self._changed.notify_all()
