"""Has the file changed?  The cheapest question that SQLite answers: two microseconds, no lock, no transaction."""

from __future__ import annotations

import sqlite3

from funboost_core.native import Lock

from .database import Database


class Watch:
    """A connection of its own, because `PRAGMA data_version` compares with what the same connection saw before."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.start()

    def start(self) -> None:
        """Begin without a connection: at first, and in a forked child."""
        self.identity: tuple[int, int] | None = None
        """Of the file that was looked at last."""
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        self._version = -1

    def changed(self) -> bool:
        """Whether another connection has committed since the last call; True at the first one."""
        with self._lock, self._database.named():
            self._database.ready()
            if self._connection is None or self.identity != self._database.identity:
                self._close()
                self.identity, self._connection = self._database.identity, self._database.connect()
            version = int(self._connection.execute("PRAGMA data_version").fetchone()[0])
            changed, self._version = version != self._version, version
            return changed

    def hold(self) -> None:
        """Close the connection and let nobody look until `resume`; see `Database.hold`."""
        self._lock.acquire()
        self._close()

    def resume(self) -> None:
        """End `hold`."""
        self._lock.release()

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._version = -1
