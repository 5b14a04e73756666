"""One thread a process that acts when a deadline has passed.  A run that ends in time costs two entries of a dict."""

from __future__ import annotations

import logging
from math import inf
from typing import TYPE_CHECKING, Callable

from ..native import Condition, Thread, current_thread

if TYPE_CHECKING:
    from ..clock import Clock
    from .attempts import Attempt

logger: logging.Logger = logging.getLogger("funboost.worker")

STEP = 0.005
"""Seconds for which deadlines that follow each other closely are gathered."""


class Deadlines:
    """Deadlines of runs; the thread starts with the first one and sleeps until the nearest.

    Example::

        deadlines = Deadlines(clock)
        deadlines.set(attempt, 10.0, lambda: attempt.interrupt(TaskTimeout(seconds=10)))
        deadlines.drop(attempt)
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._dues: dict[Attempt, tuple[float, Callable[[], None]]] = {}
        self._next = inf  # when the thread wakes: who sets a deadline before that has to wake it
        self._changed = Condition()
        self._thread: Thread | None = None

    def set(self, attempt: Attempt, seconds: float, action: Callable[[], None]) -> None:
        """Call `action`, which must not block, in so many seconds, instead of what was to be called before."""
        due = self._clock.monotonic() + seconds
        self._dues[attempt] = (due, action)
        if due < self._next:
            with self._changed:
                if self._thread is None:
                    self._thread = Thread(target=self._run, name="funboost-deadlines", daemon=True)
                    self._thread.start()
                self._changed.notify_all()

    def drop(self, attempt: Attempt) -> None:
        """It has ended."""
        self._dues.pop(attempt, None)

    def stop(self) -> None:
        """End the thread and wait for it; the next deadline starts another."""
        with self._changed:
            self._next = inf
            self._changed.notify_all()
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(1)

    def _run(self) -> None:
        me = current_thread()
        while True:
            with self._changed:
                if self._thread is not me:  # stopped, and another one may have begun
                    return
                self._next = inf  # before looking: what is set from here on wakes us, which it can when we wait
                dues = self._dues.copy()
                now = self._clock.monotonic()
                passed = [(attempt, entry) for attempt, entry in dues.items() if entry[0] <= now]
                if not passed:
                    self._next = min((due for due, _ in dues.values()), default=inf)
                    left = None if self._next == inf else max(STEP, self._next - now)
                    self._clock.wait(self._changed, left)
                    continue
            for attempt, entry in passed:
                found = self._dues.pop(attempt, None)  # in one step: another may take its place at any moment
                if found is entry:
                    try:
                        entry[1]()
                    except Exception:
                        logger.exception("Ending %s failed; it goes on.", attempt.delivery.task_id)
                elif found is not None:
                    self._dues.setdefault(attempt, found)
