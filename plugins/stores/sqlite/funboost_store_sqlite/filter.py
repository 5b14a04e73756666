"""Uniqueness in the file."""

from __future__ import annotations

from collections.abc import Sequence

from funboost_core.clock import Clock
from funboost_core.ports.store import Filter

from .database import Database
from .sweep import Sweep

_PUT = "INSERT OR REPLACE INTO claims (scope, key, holder, expires) VALUES (?, ?, ?, ?)"


class SqliteFilter(Filter):
    """One row a key; the write lock makes looking and claiming one step for all processes."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._sweep = Sweep("claims", "scope, key", clock)

    def claim(self, scope: str, key: str, holder: str, lease: float) -> str | None:
        """See `Filter.claim`; claiming again renews the lease."""
        with self._database.writing() as connection:
            self._sweep.sometimes(connection)
            now = self._clock.time()
            present = connection.execute(
                "SELECT holder FROM claims WHERE scope = ? AND key = ? AND (expires IS NULL OR expires > ?)",
                (scope, key, now),
            ).fetchone()
            if present is not None and present[0] != holder:
                return "done" if present[0] is None else str(present[0])
            connection.execute(_PUT, (scope, key, holder, now + lease))
            return None

    def renew(self, claims: Sequence[tuple[str, str, str]], lease: float) -> None:
        """See `Filter.renew`."""
        with self._database.writing() as connection:
            now = self._clock.time()
            connection.executemany(
                "UPDATE claims SET expires = ? WHERE scope = ? AND key = ? AND holder = ? AND expires > ?",
                [(now + lease, *claim, now) for claim in claims],
            )

    def keep(self, scope: str, key: str, ttl: float | None) -> None:
        """See `Filter.keep`."""
        with self._database.writing() as connection:
            self._sweep.sometimes(connection)
            connection.execute(_PUT, (scope, key, None, None if ttl is None else self._clock.time() + ttl))

    def release(self, scope: str, key: str, holder: str) -> None:
        """See `Filter.release`."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM claims WHERE scope = ? AND key = ? AND holder = ?", (scope, key, holder))

    def clear(self, scope: str) -> None:
        """See `Filter.clear`."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM claims WHERE scope = ?", (scope,))
