"""History in the file: the record as JSON beside the columns that are searched by."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from pydantic_core import from_json, to_json

from funboost_core.clock import Clock
from funboost_core.ports.store import History, Record

from . import text_index
from .database import Database
from .sweep import MOST, Sweep

COMMON = 5_000
"""Rows with a text from which on they are found sooner from the newest on, one by one."""
COMMON_IN_QUEUE = 50_000
"""The same within a queue, in which there may be none of them."""
ROWS = 512 if sqlite3.sqlite_version_info >= (3, 32) else 128
"""Most rows of one statement: the interpreter's lock is taken once a statement, and tasks that run want it too."""

_ROW = "(?, ?, ?, ?, ?, ?, ?)"
_SAVE = """
INSERT INTO history (task_id, queue, success, time_start, searched, record, expires)
VALUES {}
ON CONFLICT (task_id) DO UPDATE SET queue = excluded.queue, success = excluded.success,
    time_start = excluded.time_start, searched = excluded.searched, record = excluded.record, expires = excluded.expires
"""


class SqliteHistory(History):
    """One row a task."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._sweep = Sweep("history", "id", clock)

    def save(self, records: Sequence[Record], ttl: float) -> None:
        """See `History.save`; all in one transaction, and the index of texts in others."""
        if not records:
            return
        expires = self._clock.time() + ttl
        with self._database.writing() as connection:
            self._sweep.sometimes(connection)
            for some in _portions(records):
                values: list[Any] = []
                for id, queue, success, started, searched, payload in some:
                    values += (id, queue, success, started, searched, payload, expires)
                connection.execute(_statement(len(some)), values)
            due = text_index.exists(connection) and text_index.due(connection)
        while due:  # several transactions, so that others can write in between
            with self._database.writing() as connection:
                text_index.extend(connection)
                due = text_index.due(connection)

    def get(self, task_id: str) -> dict[str, Any] | None:
        """See `History.get`."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT record FROM history WHERE task_id = ? AND expires > ?", (str(task_id), self._clock.time())
            ).fetchone()
        return None if row is None else from_json(row[0])

    def search(
        self,
        queue: str | None = None,
        success: bool | None = None,
        text: str | None = None,
        since: float | None = None,
        until: float | None = None,
        limit: int = 100,
        offset: int = 0,
        running: bool | None = None,
    ) -> list[dict[str, Any]]:
        """See `History.search`; case does not matter in `text`, and a task that runs has neither success."""
        conditions: list[str] = ["expires > ?"]
        values: list[Any] = [self._clock.time()]
        if running is not None:
            conditions.append("success IS NULL" if running else "success IS NOT NULL")
        for condition, value in (
            ("queue = ?", queue),
            ("success = ?", success),
            ("time_start >= ?", since),
            ("time_start <= ?", until),
        ):
            if value is not None:
                conditions.append(condition)
                values.append(value)
        with self._database.reading() as connection:
            if text:
                wanted = text.casefold()
                conditions.append("instr(searched, ?)")  # exact, where % and _ of LIKE are not
                values.append(wanted)
                if len(wanted) >= 3 and text_index.exists(connection):
                    most = COMMON if queue is None else COMMON_IN_QUEUE
                    found = text_index.candidates(connection, wanted, most)
                else:
                    found = None
                if found is not None:
                    conditions.append("id IN (SELECT value FROM json_each(?))")
                    values.append(to_json(found).decode())
            rows = connection.execute(
                f"SELECT record FROM history WHERE {' AND '.join(conditions)} "
                "ORDER BY time_start DESC LIMIT ? OFFSET ?",
                (*values, limit, offset),
            ).fetchall()
        return [from_json(record) for (record,) in rows]

    def prune(self) -> int:
        """See `History.prune`; in several transactions, so that others can write in between."""
        total = 0
        while True:
            with self._database.writing() as connection:
                deleted = self._sweep.once(connection)
            total += deleted
            if deleted < MOST:
                return total


def _portions(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    """Of as many records as a power of two: few different statements, which the connection keeps compiled."""
    start, size = 0, ROWS
    while start < len(records):
        while size > len(records) - start:
            size //= 2
        yield records[start : start + size]
        start += size


@lru_cache
def _statement(rows: int) -> str:
    return _SAVE.format(", ".join([_ROW] * rows))
