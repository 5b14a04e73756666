"""Expired rows leave the file by themselves, a few at a time, within the writes of their part."""

from __future__ import annotations

from sqlite3 import Connection

from funboost_core.clock import Clock

EVERY = 1.0
"""Seconds between looks for expired rows."""
MOST = 500
"""Rows deleted at a time: a write that happens to sweep takes a few milliseconds more, not seconds."""


class Sweep:
    """Deletes what has expired from `table`, whose primary key is `key` (a column, or several with commas)."""

    def __init__(self, table: str, key: str, clock: Clock) -> None:
        self._clock = clock
        self._due = 0.0
        chosen = f"SELECT {key} FROM {table} WHERE expires <= ? LIMIT {MOST}"
        self._delete = f"DELETE FROM {table} WHERE ({key}) IN ({chosen})"

    def sometimes(self, connection: Connection) -> None:
        """Sweep if it is time; called in every transaction that makes rows."""
        now = self._clock.monotonic()
        if now >= self._due and self.once(connection) < MOST:
            self._due = now + EVERY

    def once(self, connection: Connection) -> int:
        """Delete up to `MOST` expired rows; the number deleted."""
        return connection.execute(self._delete, (self._clock.time(),)).rowcount
