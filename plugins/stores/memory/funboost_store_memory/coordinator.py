"""Coordination of the consumers of one process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from funboost_core.clock import Clock
from funboost_core.native import Lock
from funboost_core.ports.store import Coordinator

from .expiring import Expiring


class MemoryCoordinator(Coordinator):
    """Members, flags and counters by (scope, name); one next-due time a scope."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._members: dict[str, Expiring[str, dict[str, Any]]] = {}
        self._flags: dict[str, Expiring[str, str]] = {}
        self._counters: dict[str, dict[str, int]] = {}
        # Once a next-due time is past it says nothing more, so it is the time at which its entry ends.
        self._schedules: Expiring[str, float] = Expiring(clock.monotonic)

    def beat(self, scope: str, member: str, info: Mapping[str, Any], ttl: float) -> None:
        """See `Coordinator.beat`."""
        with self._lock:
            members = self._members.setdefault(scope, Expiring(self._clock.time))
            members.put(member, dict(info), self._clock.time() + ttl)

    def leave(self, scope: str, member: str) -> None:
        """See `Coordinator.leave`."""
        with self._lock:
            if scope in self._members:
                self._members[scope].pop(member)

    def members(self, scope: str) -> dict[str, dict[str, Any]]:
        """See `Coordinator.members`."""
        with self._lock:
            members = self._members.get(scope)
            return {member: dict(info) for member, info in members.items()} if members is not None else {}

    def set_flag(self, scope: str, name: str, value: str | None, ttl: float | None = None) -> None:
        """See `Coordinator.set_flag`."""
        with self._lock:
            flags = self._flags.setdefault(scope, Expiring(self._clock.time))
            if value is None:
                flags.pop(name)
            else:
                flags.put(name, value, None if ttl is None else self._clock.time() + ttl)

    def flags(self, scope: str) -> dict[str, str]:
        """See `Coordinator.flags`."""
        with self._lock:
            flags = self._flags.get(scope)
            return dict(flags.items()) if flags is not None else {}

    def add(self, scope: str, counts: Mapping[str, int]) -> dict[str, int]:
        """See `Coordinator.add`; a counter that is 0 takes no memory."""
        with self._lock:
            counters = self._counters.setdefault(scope, {})
            values = {name: counters.get(name, 0) + more for name, more in counts.items()}
            counters.update(values)
            for name, value in values.items():
                if not value:
                    del counters[name]
            if not counters:
                del self._counters[scope]
            return values

    def reserve(self, scope: str, interval: float, most: int, horizon: float) -> tuple[float, int]:
        """See `Coordinator.reserve`; at least one due time, and none for the time in which nobody asked."""
        within = int(horizon / interval + 1e-9) + 1  # the one at the end of the horizon counts
        n = min(most, within)
        with self._lock:
            now = self._clock.monotonic()
            next_due = self._schedules.get(scope)
            first = now if next_due is None else max(now, next_due)
            self._schedules.put(scope, first + n * interval, first + n * interval)
            return first - now, n
