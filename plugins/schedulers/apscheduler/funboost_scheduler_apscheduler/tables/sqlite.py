"""Jobs in an SQLite file beside the queues, or in a database in memory."""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING
from weakref import WeakSet

from funboost_core.errors import ConfigError
from funboost_core.native import Lock, sleep

from .base import Row, Table

if TYPE_CHECKING:
    from funboost_core.environment import Environment

FILE = "schedules.sqlite3"
PATIENCE = 30.0
"""Seconds to wait for another process that is writing."""
VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    queue TEXT NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL, planned REAL, due REAL, ready REAL,
    version INTEGER NOT NULL, PRIMARY KEY (queue, id));
CREATE INDEX IF NOT EXISTS jobs_ready ON jobs (queue, ready) WHERE ready IS NOT NULL
"""
_COLUMNS = "queue, id, body, planned, due, ready, version"
_random = random.SystemRandom()  # the user's own sequence of random numbers stays as it is
_open: WeakSet[SqliteTable] = WeakSet()
_held: list[SqliteTable] = []  # during a fork
_forking = Lock()  # one fork at a time; and of `_open`


class SqliteTable(Table):
    """One connection, used by one thread at a time; the file's write lock makes each step atomic."""

    def __init__(self, environment: Environment) -> None:
        self._path = self._place(environment)
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        with _forking:
            _open.add(self)
        with self._using():
            pass  # so that a file that cannot work is reported at once

    def _place(self, environment: Environment) -> str:
        return str(environment.data_dir().absolute() / FILE)

    def insert(self, row: Row) -> bool:
        """See `Table.insert`."""
        with self._writing() as connection:
            values = row._replace(version=1)
            done = connection.execute(f"INSERT OR IGNORE INTO jobs ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", values)
            return done.rowcount == 1

    def get(self, queue: str, id: str) -> Row | None:
        """See `Table.get`."""
        with self._using() as connection:
            query = f"SELECT {_COLUMNS} FROM jobs WHERE queue = ? AND id = ?"
            found = connection.execute(query, (queue, id)).fetchone()
            return None if found is None else Row(*found)

    def all(self, queue: str) -> list[Row]:
        """See `Table.all`."""
        with self._using() as connection:
            query = f"SELECT {_COLUMNS} FROM jobs WHERE queue = ? ORDER BY due IS NULL, due, id"
            return [Row(*found) for found in connection.execute(query, (queue,)).fetchall()]

    def swap(self, changes: Sequence[tuple[Row, Row | None]]) -> list[bool]:
        """See `Table.swap`."""
        where = "WHERE queue = ? AND id = ? AND version = ?"
        done = []
        with self._writing() as connection:
            for old, new in changes:
                key = (old.queue, old.id, old.version)
                if new is None:
                    cursor = connection.execute(f"DELETE FROM jobs {where}", key)
                else:
                    cursor = connection.execute(
                        f"UPDATE jobs SET body = ?, planned = ?, due = ?, ready = ?, version = version + 1 {where}",
                        (new.body, new.planned, new.due, new.ready, *key),
                    )
                done.append(cursor.rowcount == 1)
        return done

    def delete(self, queue: str, id: str) -> bool:
        """See `Table.delete`."""
        with self._writing() as connection:
            return connection.execute("DELETE FROM jobs WHERE queue = ? AND id = ?", (queue, id)).rowcount == 1

    def clear(self, queue: str) -> None:
        """See `Table.clear`."""
        with self._writing() as connection:
            connection.execute("DELETE FROM jobs WHERE queue = ?", (queue,))

    def claim(self, queue: str, now: float, lease: float, limit: int) -> list[Row]:
        """See `Table.claim`."""
        ready = self.next_ready(queue)
        if ready is None or ready > now:  # the usual case needs no write lock
            return []
        with self._writing() as connection:
            query = f"SELECT {_COLUMNS} FROM jobs WHERE queue = ? AND ready <= ? ORDER BY ready LIMIT ?"
            rows = [Row(*found) for found in connection.execute(query, (queue, now, limit)).fetchall()]
            claimed = [row._replace(ready=now + lease, version=row.version + 1) for row in rows]
            connection.executemany(
                "UPDATE jobs SET ready = ?, version = ? WHERE queue = ? AND id = ?",
                [(row.ready, row.version, row.queue, row.id) for row in claimed],
            )
            return claimed

    def next_ready(self, queue: str) -> float | None:
        """See `Table.next_ready`."""
        with self._using() as connection:
            query = "SELECT ready FROM jobs WHERE queue = ? AND ready IS NOT NULL ORDER BY ready LIMIT 1"
            found = connection.execute(query, (queue,)).fetchone()
            return None if found is None else float(found[0])

    def close(self) -> None:
        """See `Table.close`."""
        with self._lock:
            self._disconnect()

    # -- the connection -----------------------------------------------------------------------------------------------

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._connect()
                yield self._connection
            except (OSError, sqlite3.Error) as error:
                raise ConfigError(
                    f"The schedules in {self._path} cannot be used: {error}. Set DATA_DIR to a folder on a local disk "
                    "where this user may write; if the file is damaged, move it away."
                ) from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._using() as connection:
            _patiently(connection, "BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            _patiently(connection, "PRAGMA journal_mode = WAL")  # SQLite itself would not wait
            connection.execute("PRAGMA synchronous = NORMAL")
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version not in {0, VERSION}:
                raise sqlite3.DatabaseError(f"its tables have version {version}, this plugin knows {VERSION}")
            if version == 0:
                connection.executescript(f"{_SCHEMA};\nPRAGMA user_version = {VERSION};")
            connection.execute("PRAGMA busy_timeout = 0")  # from now on `_patiently` waits
        except BaseException:
            connection.close()
            raise
        return connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _before_fork(self) -> None:
        self._lock.acquire()
        self._disconnect()  # a child must not inherit what SQLite believes to have locked

    def _in_child(self) -> None:
        self._lock = Lock()


class MemoryTable(SqliteTable):
    """Jobs that live as long as this object; one connection, so the others of the process do not see them."""

    def _place(self, environment: Environment) -> str:
        return ":memory:"

    def _before_fork(self) -> None:
        self._lock.acquire()

    def _in_child(self) -> None:
        super()._in_child()
        self._connection = None


def _patiently(connection: sqlite3.Connection, statement: str) -> None:
    """Execute what needs a lock that another process may hold for a moment; SQLite would wait up to 100 ms at a time."""
    end = monotonic() + PATIENCE
    while True:
        try:
            connection.execute(statement)
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or monotonic() >= end:
                raise
            sleep(_random.uniform(0.0002, 0.002))


def _before_fork() -> None:
    _forking.acquire()
    _held.extend(_open)
    for table in _held:
        table._before_fork()


def _after_in_parent() -> None:
    while _held:
        _held.pop()._lock.release()
    _forking.release()


def _after_in_child() -> None:
    while _held:
        _held.pop()._in_child()
    _forking.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
