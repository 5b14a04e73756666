"""Time, injectable: tests move it by hand and never sleep to wait for a schedule."""

from __future__ import annotations

import time as _time

from .native import Condition, sleep


class Clock:
    """The system's clocks.

    ``time`` is the wall clock in seconds since the epoch, ``monotonic`` never goes back; schedules use the second.
    Replace it with ``Environment(clock=...)``; `funboost_testing.FakeClock` is moved by hand.
    """

    time: staticmethod[[], float] = staticmethod(_time.time)
    monotonic: staticmethod[[], float] = staticmethod(_time.monotonic)
    sleep: staticmethod[[float], None] = staticmethod(sleep)

    def wait(self, condition: Condition, seconds: float | None) -> bool:
        """Wait on `condition`, which the caller holds, for at most `seconds`; False when the time is up."""
        return condition.wait(seconds)


SYSTEM = Clock()
