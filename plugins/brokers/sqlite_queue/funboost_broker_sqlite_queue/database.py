"""One database file as this process uses it: shared by all its brokers on that file."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

from funboost_core.errors import BrokerUnavailable, ConfigError, FunboostError, PublishError
from funboost_core.native import Lock

from .channel import Channel
from .link import Link
from .location import KIND, refused
from .publishing import GroupCommit

if TYPE_CHECKING:
    from types import TracebackType

    from .schema import QueueSql


class Database:
    """The file at `path`.  All writing happens under `lock`, one transaction at a time.

    A failure drops the link; the next use opens the file again, so a full disk or a deleted file is no lasting harm.
    `forked` is true in a child process, where this object, its locks and its consumers are the parent's.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = Lock()
        self.forked = False
        self.users: set[object] = set()
        self.group = GroupCommit(self)
        self.channels: dict[str, Channel] = {}
        self.link: Link | None = None

    def channel(self, name: str) -> Channel:
        """Where those wait who want messages of a queue."""
        found = self.channels.get(name)
        return found if found is not None else self.channels.setdefault(name, Channel())

    def ready(self) -> Link:
        """The open link; hold `lock`."""
        link = self.link
        if link is not None:
            if link.in_place() and not link.taken:
                return link
            self.drop()
        self.link = link = Link(self.path)
        return link

    def drop(self) -> None:
        """Close the link; hold `lock`."""
        link = self.link
        if link is not None:
            link.close()  # first: one that is forgotten keeps its locks, and a thread may be interrupted here
            self.link = None

    def inspect(self) -> None:
        """Close the link if it keeps others waiting or they cannot see what it writes.  At each beat: it costs a call."""
        with self.lock:
            if self.link is not None and (self.link.taken or not self.link.log_in_place()):
                self.drop()

    def hold(self) -> None:
        """Before a fork: let the call that runs end, close the link, and let the others wait for `resume`."""
        self.lock.acquire()
        self.drop()

    def resume(self) -> None:
        """End `hold`; the next use opens the file again."""
        self.lock.release()

    def transaction(self, full: bool, single: str | None = None) -> Transaction:
        """A write transaction, to be used with `lock` held.

        With `single`, the name of a queue, the block executes one statement for it, which then commits by itself.
        """
        return Transaction(self, full, single)

    def read(self, name: str, statement: str) -> list[Any]:
        """The rows of the statement called so in `QueueSql`, for a queue."""
        return self._select(lambda link: getattr(self._sql(link, name), statement))[1]

    def version(self) -> tuple[int, int]:
        """Changes when anybody else commits, and when the file was replaced."""
        link, rows = self._select(lambda link: "PRAGMA data_version")
        return link.number, rows[0][0]

    def _select(self, query: Callable[[Link], str]) -> tuple[Link, list[Any]]:
        while True:
            link = self.link
            if link is None or not link.in_place():
                with self.lock:
                    link = self._reopened()
            try:
                text = query(link)
                with link.read_lock:
                    return link, link.reader.execute(text).fetchall()
            except sqlite3.Error as error:
                with self.lock:
                    if self.link is not link:
                        continue  # a writer that failed had closed it
                    self.drop()
                raise BrokerUnavailable(kind=KIND, error=f"{self.path}: {error}") from error

    def _sql(self, link: Link, name: str) -> QueueSql:
        sql = link.find(name)
        if sql is None:
            with self.lock, self.transaction(False) as writing:
                sql = writing.queue(name)
        return sql

    def _reopened(self) -> Link:
        try:
            return self.ready()
        except ConfigError as error:
            raise BrokerUnavailable(kind=KIND, error=error) from error


class Transaction:
    """Commits at the end of the block, or rolls back and raises what the core understands.

    Raises:
        BrokerUnavailable: SQLite or the file system failed.
        PublishError: a message is too large for SQLite, or no bytes.
    """

    __slots__ = ("_begun", "_database", "_full", "_link", "_single")

    def __init__(self, database: Database, full: bool, single: str | None) -> None:
        self._database = database
        self._full = full
        self._single = single

    def __enter__(self) -> Link:
        database = self._database
        self._link = link = database._reopened()
        self._begun = self._single not in link.queues
        try:
            link.set_full(self._full)
            link.taken = True
            link.turns.acquire()
            if self._begun:
                link.writer.execute("BEGIN IMMEDIATE")
        except BaseException as error:
            self._fail(error)
            raise
        return link

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            try:
                if self._begun:
                    self._link.writer.execute("COMMIT")
                self._link.turns.release()
                self._link.taken = False
            except BaseException as failure:
                self._fail(failure)
                raise
        else:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        """Close the connection, which rolls back and frees the locks, and translate the error."""
        database = self._database
        database.drop()
        if isinstance(error, sqlite3.DataError) or (isinstance(error, sqlite3.Error) and "binding" in str(error)):
            raise PublishError(queue=str(database.path), error=error) from error
        if isinstance(error, sqlite3.Error):
            raise BrokerUnavailable(kind=KIND, error=f"{database.path}: {error}") from error
        if isinstance(error, OSError) and not isinstance(error, FunboostError):
            raise refused(database.path, error) from error
