"""Parked messages in the file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from funboost_core.clock import Clock
from funboost_core.ports.store import Parked, Parking

from .database import Database


class SqliteParking(Parking):
    """One row a message; `ready` is its due time or the end of its claim."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def park(self, messages: Sequence[Parked]) -> None:
        """See `Parking.park`; parking again ends a claim."""
        if not messages:
            return
        with self._database.writing() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO parked (target, id, body, due, reason, ready) VALUES (?, ?, ?, ?, ?, ?)",
                [(m.target, m.id, m.body, m.due, m.reason, m.due) for m in messages],
            )

    def claim(self, target: str, limit: int, lease: float) -> list[Parked]:
        """See `Parking.claim`."""
        due = self.next_due(target)  # asked often and mostly in vain: without the write lock
        if due is None or due > self._clock.time():
            return []
        with self._database.writing() as connection:
            now = self._clock.time()
            rows = connection.execute(
                "SELECT rowid, id, body, due, reason FROM parked WHERE target = ? AND ready <= ? "
                "ORDER BY ready, rowid LIMIT ?",
                (target, now, limit),
            ).fetchall()
            connection.executemany(
                "UPDATE parked SET ready = ? WHERE rowid = ?", [(now + lease, row[0]) for row in rows]
            )
        return [Parked(id, target, body, due, reason) for _, id, body, due, reason in rows]

    def done(self, messages: Iterable[Parked]) -> None:
        """See `Parking.done`; a message that was parked anew meanwhile (its next try) stays."""
        rows = [(m.target, m.id, m.due, m.body) for m in messages]
        if not rows:
            return
        with self._database.writing() as connection:
            connection.executemany("DELETE FROM parked WHERE target = ? AND id = ? AND due = ? AND body = ?", rows)

    def next_due(self, target: str) -> float | None:
        """See `Parking.next_due`; for a message that is claimed, the end of its claim."""
        with self._database.reading() as connection:
            found = connection.execute("SELECT min(ready) FROM parked WHERE target = ?", (target,)).fetchone()[0]
        return None if found is None else float(found)

    def count(self, target: str) -> int:
        """See `Parking.count`."""
        with self._database.reading() as connection:
            return int(connection.execute("SELECT count(*) FROM parked WHERE target = ?", (target,)).fetchone()[0])

    def purge(self, target: str) -> int:
        """See `Parking.purge`."""
        with self._database.writing() as connection:
            return connection.execute("DELETE FROM parked WHERE target = ?", (target,)).rowcount
