"""The databases that this process has open, and what becomes of them when it forks.

SQLite keeps its locks for each process and file, not for each connection.  A child that inherits this book-keeping
believes that it holds the locks of its parent; then either of them may delete the write-ahead log, and all that is in
it, under the other.  So nothing is open while a process forks: not only would using the parent's connections be wrong.
"""

from __future__ import annotations

import os
from pathlib import Path
from weakref import WeakSet

from funboost_core.native import Lock

from . import locks
from .database import Database

_by_path: dict[str, Database] = {}
_all: WeakSet[Database] = WeakSet()  # also those that nobody is attached to any more, which a late call may have opened
_held: list[Database] = []  # during a fork
_lock = Lock()


def attach(path: Path, user: object) -> Database:
    """The database at `path` of this process, kept open until all its users have detached."""
    with _lock:
        key = str(path)
        database = _by_path.get(key)
        if database is None:
            database = _by_path[key] = Database(path)
            _all.add(database)
        database.users.add(user)
        return database


def detach(database: Database, user: object) -> None:
    """Close the database if `user` was the last one."""
    if database.forked:
        return
    with _lock:
        database.users.discard(user)
        if database.users:
            return
        del _by_path[str(database.path)]
        with database.lock:
            database.drop()


def _before_fork() -> None:
    _lock.acquire()
    _held.extend(_all)
    for database in _held:
        database.hold()
    locks.hold()


def _after_in_parent() -> None:
    locks.resume()
    while _held:
        _held.pop().resume()
    _lock.release()


def _after_in_child() -> None:
    global _lock
    locks.forget()
    for database in _held:
        database.forked = True
    _held.clear()
    _by_path.clear()
    _all.clear()
    _lock = Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
