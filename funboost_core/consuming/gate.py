"""May anything be fetched now?  Stopped, paused, and the rate: asked before each fetch, so that nothing is held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from ..native import Condition
from ..policies.rate import Rate

if TYPE_CHECKING:
    from ..clock import Clock

UNLIMITED = 1_000_000_000


class Gate:
    """Blocks the thread that is about to fetch until something may start.

    `idle` is called with the seconds to wait instead of sleeping where the broker must be served meanwhile.
    """

    def __init__(self, clock: Clock, qps: float | None, idle: Callable[[float], None] | None = None) -> None:
        self._clock = clock
        self._changed = Condition()
        self._idle = idle
        self.rate = Rate(qps) if qps else None
        self.paused: bool = False
        self.stopped: bool = False

    def permit(self) -> int:
        """How many messages may start now, waiting until it is at least one; 0 when stopped."""
        while not self.stopped:
            if not self.paused:
                if self.rate is None:
                    return UNLIMITED
                starts, wait = self.rate.due(self._clock.monotonic())
                if starts:
                    return starts
                self._wait(wait)
            else:
                self._wait(None)
        return 0

    def used(self, starts: int) -> None:
        """`starts` messages were admitted; what was skipped or put off costs no start."""
        if self.rate is not None:
            self.rate.used(starts, self._clock.monotonic())

    def rested(self) -> None:
        """Messages came after there had been none."""
        if self.rate is not None:
            self.rate.rested(self._clock.monotonic())

    def pause(self, paused: bool) -> None:
        """Close or open the gate."""
        if paused != self.paused:
            self.paused = paused
            self._notify()

    def change_rate(self, qps: float | None) -> None:
        """Use another rate from now on; None = no limit."""
        if qps is None:
            self.rate = None
        elif self.rate is None:
            self.rate = Rate(qps)
        else:
            self.rate.change(qps)
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

    def _wait(self, seconds: float | None) -> None:
        if self._idle is not None:
            self._idle(1.0 if seconds is None else min(seconds, 1.0))
            return
        with self._changed:
            if not self.stopped and (seconds is not None or self.paused):
                self._clock.wait(self._changed, seconds)

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()
