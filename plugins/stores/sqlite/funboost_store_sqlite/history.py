"""History in the file: the record as JSON beside the columns that are searched by."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import chain
from sqlite3 import Connection
from typing import Any

from pydantic_core import from_json, to_json

from funboost_core.clock import Clock
from funboost_core.ports.store import History

from . import schema
from .database import Database
from .sweep import MOST, Sweep

SEARCHABLE = 4000
"""Characters of the arguments, and of the exception, that are searched; an index over megabytes would help nobody."""

COMMON = 5_000
"""Rows with a text from which on they are found sooner from the newest on, one by one."""
COMMON_IN_QUEUE = 50_000
"""The same within a queue, in which there may be none of them."""
ROWS = 100
"""Rows of one statement: the interpreter's lock is taken once a statement, and tasks that run want it too."""

_ROW = "(?, ?, ?, ?, ?, ?, ?, ?)"
_SAVE = """
INSERT INTO history (task_id, queue, run_status, success, time_start, searched, record, expires)
VALUES {}
ON CONFLICT (task_id) DO UPDATE SET queue = excluded.queue, run_status = excluded.run_status,
    success = excluded.success, time_start = excluded.time_start, searched = excluded.searched,
    record = excluded.record, expires = excluded.expires
"""


class SqliteHistory(History):
    """One row a task."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._sweep = Sweep("history", "id", clock)

    def save(self, records: Sequence[Mapping[str, Any]], ttl: float) -> None:
        """See `History.save`; all in one transaction."""
        expires = self._clock.time() + ttl
        rows = [(*_columns(record), expires) for record in records]
        if not rows:
            return
        with self._database.writing() as connection:
            self._sweep.sometimes(connection)
            for start in range(0, len(rows), ROWS):
                some = rows[start : start + ROWS]
                connection.execute(_SAVE.format(", ".join([_ROW] * len(some))), list(chain.from_iterable(some)))

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
                found = _containing(connection, wanted, COMMON if queue is None else COMMON_IN_QUEUE)
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


def _containing(connection: Connection, text: str, most: int) -> list[int] | None:
    """The rows that may contain `text`; None where that is not known, or where they are `most` or more."""
    if len(text) < 3 or not schema.has_text_index(connection):
        return None
    rows = connection.execute(
        "SELECT rowid FROM history_text WHERE searched LIKE ? LIMIT ?", (f"%{text}%", most)
    ).fetchall()
    return None if len(rows) == most else [row for (row,) in rows]


def _columns(record: Mapping[str, Any]) -> tuple[Any, ...]:
    started, status = record.get("time_start"), record.get("run_status")
    searched = (str(record.get(name) or "")[:SEARCHABLE] for name in ("params_str", "exception"))
    return (
        str(record["_id"]),
        record.get("queue_name"),
        status,
        None if status == "running" else bool(record.get("success")),
        None if started is None else float(started),
        "\n".join(searched).casefold().encode("utf-8", "replace").decode(),
        _encode(record),
    )


def _encode(record: Mapping[str, Any]) -> bytes:
    """JSON; what it cannot carry (a result, say) becomes its text."""
    try:
        return to_json(record, fallback=repr)
    except ValueError:  # bytes or text that are no UTF-8, which the slower encoder copes with
        return json.dumps(record, default=repr, skipkeys=True, ensure_ascii=False).encode("utf-8", "replace")
