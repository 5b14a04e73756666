"""One thread a process for the beats of all consumers, and for acknowledgements while tasks are fast."""

from __future__ import annotations

import logging
from math import inf
from typing import TYPE_CHECKING, Callable

from .native import Condition, Thread

if TYPE_CHECKING:
    from .clock import Clock
    from .consuming.consumer import Consumer

logger: logging.Logger = logging.getLogger("funboost.worker")

TICK = 0.005
"""Seconds after which acknowledgements are sent although nobody fetches."""

PATIENCE = 10.0
"""Seconds more than `interval` that a beat gets to end: what it has in its hands must be settled before the broker closes."""


class Maintenance:
    """Calls `beat` of each consumer once every `interval` seconds, `tick` every 5 ms while one is fast, `alarm` on demand."""

    def __init__(
        self,
        clock: Clock,
        consumers: Callable[[], list[Consumer]],
        interval: float,
        trouble: Callable[[BaseException], None],
    ) -> None:
        self._clock = clock
        self._consumers = consumers
        self._interval = interval
        self._trouble = trouble
        self._changed = Condition()
        self._stopping = False
        self._hurrying = False
        self._alarm = inf
        self._thread: Thread | None = None

    def start(self) -> None:
        """Start the thread, once."""
        if self._thread is None:
            self._thread = Thread(target=self._run, name="funboost-maintenance", daemon=True)
            self._thread.start()

    def hurry(self) -> None:
        """A consumer has become fast: tick from now on."""
        with self._changed:
            self._hurrying = True
            self._changed.notify_all()

    def wake_at(self, moment: float) -> None:
        """Call `alarm` at that monotonic time, or earlier for somebody else."""
        with self._changed:
            if moment < self._alarm:
                self._alarm = moment
                self._changed.notify_all()

    def stop(self) -> None:
        """End the thread and wait for it."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(self._interval + PATIENCE)
            self._thread = None

    def _run(self) -> None:
        next_beat = self._clock.monotonic() + self._interval
        while True:
            with self._changed:
                if not self._stopping:
                    left = min(next_beat, self._alarm) - self._clock.monotonic()
                    if left > 0:
                        self._clock.wait(self._changed, min(left, TICK) if self._hurrying else left)
                if self._stopping:
                    return
                ringing = self._clock.monotonic() >= self._alarm
                if ringing:
                    self._alarm = inf
            consumers = self._consumers()
            if self._hurrying:
                self._hurrying = False  # before it looks: one that becomes fast after the look says so itself
                if any(consumer.hurries for consumer in consumers):
                    self._hurrying = True
                self._each(consumers, "tick")
            if ringing:
                self._each(consumers, "alarm")
            if self._clock.monotonic() >= next_beat:
                next_beat = self._clock.monotonic() + self._interval
                self._each(consumers, "beat")

    def _each(self, consumers: list[Consumer], what: str) -> None:
        for consumer in consumers:
            try:
                getattr(consumer, what)()
            except Exception as error:
                logger.warning("%s: %s failed (%s: %s)", consumer.task.queue_name, what, type(error).__name__, error)
                self._trouble(error)
