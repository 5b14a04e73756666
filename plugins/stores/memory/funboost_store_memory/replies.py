"""Replies in memory: a waiter is woken by the very put that it waits for."""

from __future__ import annotations

from collections.abc import Sequence

from funboost_core.clock import Clock
from funboost_core.native import Condition, Lock
from funboost_core.ports.store import Replies, Tell

from .expiring import Expiring


class _Waiting:
    """Those who wait for one reply: their condition, and how many they are."""

    __slots__ = ("condition", "threads")

    def __init__(self, condition: Condition) -> None:
        self.condition = condition
        self.threads = 0


class MemoryReplies(Replies):
    """Every task id that is waited for has a condition of its own, so a put wakes nobody else."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._replies: Expiring[str, bytes] = Expiring(clock.time)
        self._waiting: dict[str, _Waiting] = {}
        self._subscribed: dict[str, list[Tell]] = {}
        self._closed = False

    def put(self, task_id: str, payload: bytes, ttl: float) -> None:
        """See `Replies.put`."""
        with self._lock:
            self._replies.put(task_id, payload, self._clock.time() + ttl)
            waiting = self._waiting.get(task_id)
            if waiting is not None:
                waiting.condition.notify_all()
            subscribed = self._subscribed.pop(task_id, ())
        for tell in subscribed:
            tell(task_id, payload)

    def get(self, task_id: str, timeout: float) -> bytes | None:
        """See `Replies.get`."""
        with self._lock:
            payload = self._replies.get(task_id)
            if payload is not None or timeout <= 0:
                return payload
            waiting = self._waiting.get(task_id)
            if waiting is None:
                waiting = self._waiting[task_id] = _Waiting(Condition(self._lock))
            waiting.threads += 1
            try:
                return self._wait(task_id, waiting.condition, self._clock.monotonic() + timeout)
            finally:
                waiting.threads -= 1
                if not waiting.threads:
                    del self._waiting[task_id]

    def _wait(self, task_id: str, condition: Condition, deadline: float) -> bytes | None:
        while True:
            payload = self._replies.get(task_id)
            remaining = deadline - self._clock.monotonic()
            if payload is not None or remaining <= 0 or self._closed:
                return payload
            self._clock.wait(condition, remaining)

    def subscribe(self, task_ids: Sequence[str], tell: Tell) -> bool:
        """See `Replies.subscribe`."""
        there = {}
        with self._lock:
            for task_id in task_ids:
                payload = self._replies.get(task_id)
                if payload is None:
                    self._subscribed.setdefault(task_id, []).append(tell)
                else:
                    there[task_id] = payload
        for task_id, payload in there.items():
            tell(task_id, payload)
        return True

    def unsubscribe(self, task_ids: Sequence[str], tell: Tell) -> None:
        """See `Replies.unsubscribe`."""
        with self._lock:
            for task_id in task_ids:
                subscribed = self._subscribed.get(task_id)
                if subscribed is not None and tell in subscribed:
                    subscribed.remove(tell)
                    if not subscribed:
                        del self._subscribed[task_id]

    def close(self) -> None:
        """End all waiting."""
        with self._lock:
            self._closed = True
            for waiting in self._waiting.values():
                waiting.condition.notify_all()
