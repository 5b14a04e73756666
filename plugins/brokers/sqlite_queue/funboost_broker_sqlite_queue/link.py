"""An open database: a connection to write with, one to read with, and the lock that takes writers in turn."""

from __future__ import annotations

import os
import sqlite3
from itertools import count
from pathlib import Path

from funboost_core.errors import BrokerUnavailable, ConfigError
from funboost_core.native import Lock

from .location import KIND, refused
from .locks import FileLock
from .schema import APPLICATION, TABLES, VERSION, QueueSql, is_new

PATIENCE = 30.0  # seconds SQLite waits for a lock that another program holds
PAGE = 2048  # bytes; a commit writes whole pages, and small ones made publishing a fifth faster than 4096
CHECKPOINT = 4000  # pages of the write-ahead log before they are copied into the database

_numbers = count(1)


class Link:
    """The connections to one database file; `number` tells this link from those before it.

    `writer` is used under the lock of `Database`, `reader` under `read_lock`.  Between processes `turns` puts the
    writers in order: SQLite's own waiting is a lottery of sleeps.

    Raises:
        ConfigError: the file is no queue database, or cannot be written.
        BrokerUnavailable: it cannot be opened at the moment.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._name = str(path)
        self.number = next(_numbers)
        self.full = False
        self.taken = False  # by a transaction; at its beginning: by one that was interrupted just where it was to end
        self.read_lock = Lock()
        self.queues: dict[str, QueueSql] = {}  # of the writer: some may not be committed yet
        self._found: dict[str, QueueSql] = {}  # by the reader
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.turns = FileLock(path.with_name(path.name + ".lock"))
        except OSError as error:
            raise refused(path, error) from error
        opened: list[sqlite3.Connection] = []
        try:
            self.turns.acquire()
            try:
                opened.append(_connect(path))
                self.writer = opened[0]
                _prepare(self.writer)
                opened.append(_connect(path))
                self.reader = opened[1]
                self.reader.execute("PRAGMA query_only = 1")
                self._identity = _identity(self._name)
                self._log_identity = _identity(f"{self._name}-wal")
            finally:
                self.turns.release()
        except BaseException as error:
            for connection in opened:
                connection.close()
            self.turns.close()
            if isinstance(error, OSError):
                raise refused(path, error) from error
            if isinstance(error, (sqlite3.Error, ValueError)):
                raise _unusable(path, error) from error
            raise

    def in_place(self) -> bool:
        """Whether the open file is still the one at `path`: a deleted one would swallow what is written."""
        try:
            return os.name == "nt" or _identity(self._name) == self._identity
        except FileNotFoundError:
            return False

    def log_in_place(self) -> bool:
        """Whether the open write-ahead log is still the one of the file.

        Who deletes the files of a queue that is in use deletes them one after the other: the file may have been made
        anew before its log is deleted, and what is written to that is hidden from other processes.
        """
        try:
            return os.name == "nt" or _identity(f"{self._name}-wal") == self._log_identity
        except FileNotFoundError:
            return False

    def set_full(self, full: bool) -> None:
        """Flush the disk at every commit, or not."""
        if full is not self.full:
            self.writer.execute(f"PRAGMA synchronous = {'FULL' if full else 'NORMAL'}")
            self.full = full

    def queue(self, name: str) -> QueueSql:
        """The statements of a queue; inside a write transaction."""
        sql = self.queues.get(name)
        if sql is None:
            sql = QueueSql.find(self.writer, name) or QueueSql.make(self.writer, name)
            self.queues[name] = sql
        return sql

    def find(self, name: str) -> QueueSql | None:
        """The statements of a queue if there is one; outside a transaction."""
        sql = self._found.get(name)
        if sql is None:
            with self.read_lock:
                sql = QueueSql.find(self.reader, name)
            if sql is not None:
                self._found[name] = sql
        return sql

    def close(self) -> None:
        """Close both connections."""
        self._identity = (0, 0)  # in place no more: a thread may be interrupted in here
        with self.read_lock:
            self.reader.close()
        self.writer.close()
        self.turns.close()


def _identity(path: str) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_ino, found.st_dev


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(
        str(path), timeout=PATIENCE, isolation_level=None, check_same_thread=False, cached_statements=1000
    )


def _prepare(connection: sqlite3.Connection) -> None:
    new = is_new(connection)
    if new:
        connection.execute(f"PRAGMA page_size = {PAGE}")
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchall()[0][0]
    if mode != "wal":
        raise ValueError("its file system cannot share memory between processes (a network drive?)")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT}")
    connection.execute("PRAGMA journal_size_limit = 67108864")
    if not new:
        return
    connection.execute("BEGIN IMMEDIATE")
    if is_new(connection):  # still
        for statement in TABLES:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def _unusable(path: Path, error: Exception) -> ConfigError | BrokerUnavailable:
    text = str(error)
    hopeless = isinstance(error, ValueError) or "not a database" in text or "readonly" in text
    if not hopeless:
        return BrokerUnavailable(kind=KIND, error=f"{path}: {text}")
    return ConfigError(
        f"The queue database {str(path)!r} cannot be used: {text}. Set SQLITE_QUEUE_PATH to another file."
    )
