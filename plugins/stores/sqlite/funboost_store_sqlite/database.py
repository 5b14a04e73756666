"""The file: its connections, its one write lock, and what may go wrong with it."""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from funboost_core.errors import ConfigError, FunboostError
from funboost_core.native import Condition, Lock, sleep

from . import schema

_random = random.SystemRandom()  # the user's own sequence of random numbers stays as it is

PATIENCE = 60.0
"""Seconds to wait for another process that is writing; only one that hangs takes longer."""
READERS = 8
"""Most connections that read at the same time; a thread more waits for one of them."""


class StateFileError(FunboostError, OSError):
    """The state file {path} failed: {error}"""


class Database:
    """Connections to one file, used by one thread at a time each: one that writes, and as many readers as needed.

    Every call checks that the file is still the one that was opened (SQLite would go on writing into a deleted one);
    if not, that call raises `StateFileError` and the next one starts with a new file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._closed = False
        self.start()

    def start(self) -> None:
        """Begin without connections: at first, and in a forked child."""
        self.identity: tuple[int, int] | None = None
        """Device and inode of the file that is open; None before the first use and after a loss."""
        self._lock = Lock()  # held by the thread that writes
        self._guard = Condition(Lock())  # of what follows, and of `identity`
        self._writer: sqlite3.Connection | None = None
        self._writer_identity: tuple[int, int] | None = None
        self._readers: list[sqlite3.Connection] = []
        self._reading = 0

    # -- opening and closing --------------------------------------------------------------------------------

    def open(self) -> None:
        """Make or open the file; `ConfigError` when that cannot work."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.ready()
        except (OSError, sqlite3.Error) as error:
            raise ConfigError(
                f"The state file {self.path} cannot be used: {error}. Set STATE_URL to a file in a folder where this "
                "user may write, for example sqlite:////var/tmp/state.sqlite3; if the file is damaged, move it away"
            ) from error

    def close(self) -> None:
        """Close all connections; later calls raise `StateFileError`."""
        with self._lock:
            with self._guard:
                self._closed = True
                self.identity = None
                self._close_readers()
            self._close_writer()

    def hold(self) -> None:
        """Let all calls end and close the connections; new calls wait for `resume`.

        Before a fork: SQLite keeps its locks a process and a file, and a child that inherits that book-keeping believes
        it holds locks which it does not.
        """
        self._lock.acquire()
        self._close_writer()
        self._guard.acquire()
        while self._reading:
            self._guard.wait()
        self._close_readers()

    def resume(self) -> None:
        """End `hold`."""
        self._guard.release()
        self._lock.release()

    def _lose(self, known: tuple[int, int] | None) -> None:
        """Forget the file `known`; connections that are in use are closed by who uses them."""
        with self._guard:
            if self.identity == known:  # else another thread has noticed too, and perhaps begun a new one
                self.identity = None
                self._close_readers()

    def _close_readers(self) -> None:
        while self._readers:
            self._readers.pop().close()

    def _close_writer(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _stat(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

    def ready(self) -> None:
        """Check that the file is there and the same as before; the first call makes it."""
        self._refuse_closed()
        known = self.identity
        if known is not None:
            if self._stat() == known:
                return
            self._lose(known)
            raise StateFileError(path=self.path, error="it was deleted or replaced while in use; a new one is begun")
        with self._guard:
            self._refuse_closed()  # it may have been closed since
            if self.identity is None:
                connection = self.connect()
                try:
                    self._prepare(connection)
                except BaseException:
                    connection.close()
                    raise
                self._readers.append(connection)
                self.identity = self._stat()

    def _refuse_closed(self) -> None:
        if self._closed:
            raise StateFileError(path=self.path, error="it has been closed in this process")

    def connect(self) -> sqlite3.Connection:
        """A new connection; the caller closes it."""
        connection = sqlite3.connect(self.path, timeout=10, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Switch the file to WAL and make the tables where that has not been done."""
        mode = _patiently(connection, "PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != "wal":
            raise StateFileError(path=self.path, error=f"no write-ahead log here (mode {mode}); use a local disk")
        if schema.version_of(connection) == 0:
            with _ending(connection):
                _patiently(connection, "BEGIN IMMEDIATE")
                if schema.version_of(connection) == 0:
                    schema.create(connection)
        if schema.version_of(connection) != schema.VERSION:
            raise StateFileError(
                path=self.path,
                error=f"its tables have version {schema.version_of(connection)} and this funboost-store-sqlite knows "
                f"{schema.VERSION}; install the version that made it or use another file",
            )

    # -- using ------------------------------------------------------------------------------------------------

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that holds the file's write lock from the start: what it reads stays true until it ends."""
        with self._lock, self.named():
            self.ready()
            if self._writer_identity != self.identity:
                self._close_writer()
            if self._writer is None:
                # in this order, should the file be replaced meanwhile
                self._writer_identity, self._writer = self.identity, self.connect()
                # Waiting for other processes is done here: SQLite's own handler sleeps up to 100 ms at a time.
                self._writer.execute("PRAGMA busy_timeout = 0")
            with _ending(self._writer):
                _patiently(self._writer, "BEGIN IMMEDIATE")
                yield self._writer

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection for queries; each is a snapshot of its own and is to be fetched completely."""
        with self.named():
            self.ready()
            with self._guard:
                while not self._readers and self._reading >= READERS:
                    self._guard.wait()
                identity = self.identity
                if identity is None:
                    raise StateFileError(path=self.path, error="it was deleted or closed at this moment")
                connection = self._readers.pop() if self._readers else self.connect()
                self._reading += 1
            try:
                yield connection
            finally:
                with self._guard:
                    self._reading -= 1
                    self._guard.notify_all()
                    if identity == self.identity and not self._closed:
                        self._readers.append(connection)
                    else:
                        connection.close()

    @contextmanager
    def named(self) -> Iterator[None]:
        """Let errors of SQLite name the file."""
        try:
            yield
        except sqlite3.Error as error:
            raise StateFileError(path=self.path, error=error) from error


@contextmanager
def _ending(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit the transaction, or roll it back when anything (also an exception thrown into the thread) happens."""
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _patiently(connection: sqlite3.Connection, statement: str) -> sqlite3.Cursor:
    """Execute a statement that needs a lock which another process may hold for a moment."""
    end = None
    while True:
        try:
            return connection.execute(statement)
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            now = monotonic()
            end = end or now + PATIENCE
            if now >= end:
                raise
            sleep(_random.uniform(0.0002, 0.002))  # at random, or two processes would meet again and again
