"""Waiting in suites: long for what must happen, and for a while whether something happens that must not."""

from __future__ import annotations

from time import monotonic, sleep
from typing import Any, Callable, ClassVar


class Patient:
    """Base of the suites that wait in real time; no duration decides about a sound plugin, however busy the machine is.

    `patience`: the seconds after which a test gives up waiting for what must happen.  `quiet`: the seconds for which it
    watches whether something happens that must not; a larger number finds a broken plugin on a slower machine.
    """

    patience: ClassVar[float] = 30.0
    quiet: ClassVar[float] = 0.2

    def watch(self, wrong: Callable[[], Any] = lambda: False) -> None:
        """Let `quiet` seconds pass, fewer once `wrong` is true; the test tells what it means."""
        end = monotonic() + self.quiet
        while not wrong() and monotonic() < end:
            sleep(0.005)
