"""One producer, used by all threads: a batch is published when the server has confirmed each of its messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from confluent_kafka import Producer

from funboost_core.native import Event, RLock

from .leaving import Gate, closing

SERVE = 0.1
"""Seconds of one wait for confirmations."""


class _Batch:
    """Messages of one call that are not confirmed yet."""

    __slots__ = ("error", "event", "left")

    def __init__(self, size: int) -> None:
        self.left = size
        self.error: Any = None
        self.event = Event()

    def confirmed(self, error: Any, message: Any) -> None:
        """Called for each message, by the one thread that serves the producer: two at once might count one less."""
        if error is not None:
            self.error = error
        self.left -= 1
        if not self.left:
            self.event.set()


class Publisher:
    """Publishes in batches.  Confirmations come to whoever serves the producer: one of the threads that wait for theirs."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._serving = RLock()
        self._gate = Gate(self._serving)
        self._producer: Any = Producer(config)
        self._waiting: set[_Batch] = set()

    def publish(self, topic: str, bodies: Sequence[bytes]) -> Any:
        """The error of the last one that failed, None when all are confirmed."""
        batch = _Batch(len(bodies))
        for body in bodies:
            while True:
                self._pass()
                try:
                    self._producer.produce(topic, body, on_delivery=batch.confirmed)
                    break
                except BufferError:  # the client's queue is full
                    self._serve()
        self._waiting.add(batch)
        try:
            while batch.left:
                self._pass()
                batch.event.clear()
                if batch.left and not self._serve(batch):
                    batch.event.wait(SERVE)
        finally:
            self._waiting.discard(batch)
        return batch.error

    def _serve(self, batch: _Batch | None = None) -> bool:
        """Hear confirmations, until those of `batch` are there; False when another thread does it."""
        if not self._serving.acquire(blocking=False):
            return False
        try:
            self._producer.poll(SERVE)
            while batch is not None and batch.left and not self._gate.shut:
                self._producer.poll(SERVE)
        finally:
            self._serving.release()
        for other in tuple(self._waiting):
            if other.left:  # somebody has to go on
                other.event.set()
                break
        return True

    def _pass(self) -> None:
        if self._gate.shut:
            raise closing()

    def hear(self) -> None:
        """What the client has to say: errors go to its error callback.  Where another thread serves it, that one hears."""
        if not self._gate.shut and self._serving.acquire(blocking=False):
            try:
                self._producer.poll(0)
            finally:
                self._serving.release()
