"""What the worker processes did, in a SQLite file of the job's own: one row for every run of the task."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Optional

TABLE = """CREATE TABLE IF NOT EXISTS runs (
    id INTEGER PRIMARY KEY, path TEXT, bytes INTEGER, process INTEGER, attempt INTEGER,
    seconds REAL, error TEXT, lines INTEGER, functions INTEGER, classes INTEGER)"""
"""`seconds` is empty while a run lasts, and for ever where its process was killed."""

PROGRESS = """SELECT
    (SELECT count(DISTINCT path) FROM runs WHERE seconds IS NOT NULL AND error IS NULL),
    (SELECT count(DISTINCT path) FROM runs WHERE error IS NOT NULL AND attempt = ?),
    (SELECT count(*) FROM runs WHERE error IS NOT NULL)"""

REDELIVERED = """SELECT count(DISTINCT cut.id) FROM runs AS cut JOIN runs AS again ON again.path = cut.path AND again.id > cut.id
    WHERE cut.seconds IS NULL AND cut.process = ? AND again.seconds IS NOT NULL"""


class Found:
    """What a run counts."""

    lines = functions = classes = 0


class Progress(NamedTuple):
    """How far the job is: files parsed, files given up, runs that failed."""

    parsed: int
    given_up: int
    failed: int


class Journal:
    """Written by the workers' threads, read by the main program."""

    def __init__(self) -> None:
        self._file = Path(os.environ["FUNBOOST_DATA_DIR"]) / "journal.sqlite"
        self._own = threading.local()

    def create(self) -> None:
        """Make the file; for the main program, before it starts others: WAL cannot be switched on by several at once."""
        self._do("PRAGMA journal_mode = WAL", ())
        self._do(TABLE, ())

    @contextmanager
    def run(self, path: str, attempt: int) -> Iterator[Found]:
        """Write down that a run begins, and then how it ended."""
        found, error, began = Found(), None, time.perf_counter()
        row = self._do(
            "INSERT INTO runs (path, bytes, process, attempt) VALUES (?, ?, ?, ?)",
            (path, Path(path).stat().st_size, os.getpid(), attempt),
        ).lastrowid
        try:
            yield found
        except Exception as failure:
            error = f"{type(failure).__name__}: {failure}"
            raise
        finally:
            self._do(
                "UPDATE runs SET seconds = ?, error = ?, lines = ?, functions = ?, classes = ? WHERE id = ?",
                (time.perf_counter() - began, error, found.lines, found.functions, found.classes, row),
            )

    def progress(self, attempts: int) -> Progress:
        """How far the job is; a file is given up after so many attempts."""
        return Progress(*self.rows(PROGRESS, attempts)[0])

    def running(self, size: int) -> list[tuple[int, str]]:
        """Process and path of the runs that last, of files of at least `size` bytes, the newest first."""
        query = "SELECT process, path FROM runs WHERE seconds IS NULL AND bytes >= ? ORDER BY id DESC"
        return self.rows(query, size)

    def interrupted(self, process: int) -> list[str]:
        """The paths of the runs that a process has not ended."""
        return [path for (path,) in self.rows("SELECT path FROM runs WHERE seconds IS NULL AND process = ?", process)]

    def redelivered(self, process: int) -> int:
        """How many of these were run again."""
        return self.rows(REDELIVERED, process)[0][0]

    def rows(self, query: str, *values: Any) -> list[Any]:
        """The answer to a query."""
        return self._do(query, values).fetchall()

    def close(self) -> None:
        """Close this thread's connection."""
        connection: Optional[sqlite3.Connection] = self._own.__dict__.pop("connection", None)
        if connection is not None:
            connection.close()

    def _do(self, statement: str, values: tuple[Any, ...]) -> sqlite3.Cursor:
        if not hasattr(self._own, "connection"):  # a connection may only be used by the thread that opened it
            self._own.connection = sqlite3.connect(self._file, timeout=30, isolation_level=None)
            self._own.connection.execute("PRAGMA synchronous = OFF")
        return self._own.connection.execute(statement, values)
