"""Coordination of the consumers of one host."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from funboost_core.clock import Clock
from funboost_core.ports.store import Coordinator

from .database import Database
from .sweep import Sweep


class SqliteCoordinator(Coordinator):
    """Members, flags and counters by (scope, name); one next-due time a scope."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._old_members = Sweep("members", "scope, member", clock)
        self._old_flags = Sweep("flags", "scope, name", clock)

    def beat(self, scope: str, member: str, info: Mapping[str, Any], ttl: float) -> None:
        """See `Coordinator.beat`."""
        with self._database.writing() as connection:
            self._old_members.sometimes(connection)
            connection.execute(
                "INSERT OR REPLACE INTO members (scope, member, info, expires) VALUES (?, ?, ?, ?)",
                (scope, member, json.dumps(dict(info)), self._clock.time() + ttl),
            )

    def leave(self, scope: str, member: str) -> None:
        """See `Coordinator.leave`."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM members WHERE scope = ? AND member = ?", (scope, member))

    def members(self, scope: str) -> dict[str, dict[str, Any]]:
        """See `Coordinator.members`."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT member, info FROM members WHERE scope = ? AND expires > ?", (scope, self._clock.time())
            ).fetchall()
        return {member: json.loads(info) for member, info in rows}

    def set_flag(self, scope: str, name: str, value: str | None, ttl: float | None = None) -> None:
        """See `Coordinator.set_flag`."""
        with self._database.writing() as connection:
            self._old_flags.sometimes(connection)
            if value is None:
                connection.execute("DELETE FROM flags WHERE scope = ? AND name = ?", (scope, name))
            else:
                connection.execute(
                    "INSERT OR REPLACE INTO flags (scope, name, value, expires) VALUES (?, ?, ?, ?)",
                    (scope, name, value, None if ttl is None else self._clock.time() + ttl),
                )

    def flags(self, scope: str) -> dict[str, str]:
        """See `Coordinator.flags`."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT name, value FROM flags WHERE scope = ? AND (expires IS NULL OR expires > ?)",
                (scope, self._clock.time()),
            ).fetchall()
        return dict(rows)

    def add(self, scope: str, counts: Mapping[str, int]) -> dict[str, int]:
        """See `Coordinator.add`; a counter that is 0 takes no room, and reading takes no write lock."""
        asked = "SELECT value FROM counters WHERE scope = ? AND name = ?"
        writes = any(counts.values())
        values: dict[str, int] = {}
        with self._database.writing() if writes else self._database.reading() as connection:
            for name, more in counts.items():
                row = connection.execute(asked, (scope, name)).fetchone()
                values[name] = value = (row[0] if row is not None else 0) + more
                if more and value:
                    connection.execute(
                        "INSERT OR REPLACE INTO counters (scope, name, value) VALUES (?, ?, ?)", (scope, name, value)
                    )
                elif more:
                    connection.execute("DELETE FROM counters WHERE scope = ? AND name = ?", (scope, name))
        return values

    def reserve(self, scope: str, interval: float, most: int, horizon: float) -> tuple[float, int]:
        """See `Coordinator.reserve`; at least one due time, and none for the time in which nobody asked.

        The next-due time is one of the monotonic clock, which all processes of a host share, so that setting the wall
        clock changes no rate.  It starts anew at every boot: the difference of the two clocks, kept beside it, tells.
        """
        within = int(horizon / interval + 1e-9) + 1  # the one at the end of the horizon counts
        n = min(most, within)
        with self._database.writing() as connection:
            now = self._clock.monotonic()
            offset = self._clock.time() - now
            row = connection.execute(
                "SELECT next_due, clock_offset FROM schedules WHERE scope = ?", (scope,)
            ).fetchone()
            first = max(now, row[0]) if row is not None and abs(row[1] - offset) < 1 else now
            connection.execute(
                "INSERT OR REPLACE INTO schedules (scope, next_due, clock_offset) VALUES (?, ?, ?)",
                (scope, first + n * interval, offset),
            )
        return first - now, n
