"""Uniqueness in memory."""

from __future__ import annotations

from collections.abc import Sequence

from funboost_core.clock import Clock
from funboost_core.native import Lock
from funboost_core.ports.store import Filter

from .expiring import Expiring

_DONE = object()
"""Stands in a key's place of the holder when the work is done; no task id equals it."""


class MemoryFilter(Filter):
    """One dict of keys a scope."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._scopes: dict[str, Expiring[str, object]] = {}

    def _keys(self, scope: str) -> Expiring[str, object]:
        keys = self._scopes.get(scope)
        if keys is None:
            keys = self._scopes[scope] = Expiring(self._clock.time)
        return keys

    def claim(self, scope: str, key: str, holder: str, lease: float) -> str | None:
        """See `Filter.claim`; claiming again renews the lease."""
        with self._lock:
            keys = self._keys(scope)
            present = keys.get(key)
            if present is _DONE:
                return "done"
            if present is not None and present != holder:
                return str(present)
            keys.put(key, holder, self._clock.time() + lease)
            return None

    def renew(self, claims: Sequence[tuple[str, str, str]], lease: float) -> None:
        """See `Filter.renew`."""
        with self._lock:
            ends = self._clock.time() + lease
            for scope, key, holder in claims:
                keys = self._scopes.get(scope)
                if keys is not None and keys.get(key) == holder:
                    keys.put(key, holder, ends)

    def keep(self, scope: str, key: str, ttl: float | None) -> None:
        """See `Filter.keep`."""
        with self._lock:
            self._keys(scope).put(key, _DONE, None if ttl is None else self._clock.time() + ttl)

    def release(self, scope: str, key: str, holder: str) -> None:
        """See `Filter.release`."""
        with self._lock:
            keys = self._keys(scope)
            if keys.get(key) == holder:
                keys.pop(key)

    def clear(self, scope: str) -> None:
        """See `Filter.clear`."""
        with self._lock:
            self._scopes.pop(scope, None)
