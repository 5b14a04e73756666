"""Whether a single message is run while nobody fetches: after quick runs, while ticks can send for help."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Callable

if TYPE_CHECKING:
    from ..clock import Clock
    from ..ports.broker import Delivery

QUICK = 0.001
"""Seconds: a run that takes longer is not quick."""
TRUST = 8
"""Quick runs in a row after which the next one may be run alone."""
WATCHED = 0.025
"""Seconds since the last tick after which nothing is run alone."""
QUIET = 20
"""Ticks in which nothing was run alone, after which no more are needed."""


class Alone:
    """What a crew's leader runs while nobody fetches.

    Waking another thread to fetch takes longer than a quick run.  Should one take long after all, the second `tick`
    tells.  `hurry` asks for ticks.
    """

    def __init__(self, clock: Clock, hurry: Callable[[], None]) -> None:
        self._clock = clock
        self._hurry = hurry
        self._quick = 0  # runs in a row
        self._runs: Delivery | None = None
        self._seen: Delivery | None = None  # what ran at the last tick
        self._ticked = -inf
        self._quiet = QUIET  # ticks since something was run alone

    @property
    def watched(self) -> bool:
        """Whether `tick` is to be called."""
        return self._quiet < QUIET

    def begin(self, delivery: Delivery, began: float) -> bool:
        """A run begins at that monotonic time; whether alone."""
        if self._quick < TRUST:
            return False
        watched, self._quiet = self.watched, 0
        if not watched or began - self._ticked > WATCHED:
            self._hurry()
            return False
        self._runs = delivery
        return True

    def end(self, delivery: Delivery, began: float) -> None:
        """It has ended; others may have begun meanwhile."""
        if self._runs is delivery:
            self._runs = None
        self._quick = self._quick + 1 if self._clock.monotonic() - began < QUICK else 0

    def tick(self) -> bool:
        """Called every few milliseconds; whether somebody has to fetch."""
        runs, self._ticked = self._runs, self._clock.monotonic()
        long = runs is not None and runs is self._seen
        if runs is None:
            self._quiet += 1
        elif long:
            self._runs, self._quick = None, 0
        self._seen = runs
        return long
