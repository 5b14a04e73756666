"""All parts of the state in one file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote
from weakref import WeakSet

from funboost_core.errors import ConfigError
from funboost_core.native import Lock
from funboost_core.ports.store import StateStore

from .coordinator import SqliteCoordinator
from .database import Database
from .filter import SqliteFilter
from .history import SqliteHistory
from .parking import SqliteParking
from .replies import SqliteReplies

if TYPE_CHECKING:
    from funboost_core.environment import Environment

_open: WeakSet[SqliteState] = WeakSet()
_held: list[SqliteState] = []  # during a fork
_forking = Lock()  # one fork at a time; and of `_open`


class SqliteState(StateStore):
    """State in the SQLite file that `url` names; opened now, so that a file that cannot work is reported at once.

    Args:
        url: ``sqlite://`` (`state.sqlite3` in the environment's data folder), ``sqlite:///relative/path`` or
            ``sqlite:////absolute/path``; characters may be percent-encoded.
        environment: gives the clock and the data folder.

    Raises:
        ConfigError: the URL is wrong, or the file cannot be made, opened or written, or is no database of ours.
    """

    cross_process = True
    cross_host = False

    def __init__(self, url: str, environment: Environment) -> None:
        clock = environment.clock
        self._database = database = Database(path_of(url, environment))
        self._replies = self.replies = SqliteReplies(database, clock)
        self.history = SqliteHistory(database, clock)
        self.filter = SqliteFilter(database, clock)
        self.parking = SqliteParking(database, clock)
        self.coordinator = SqliteCoordinator(database, clock)
        with _forking:
            _open.add(self)
        database.open()

    def close(self) -> None:
        """End the waiting for replies and close the file."""
        self._replies.close()
        self._database.close()

    def _hold(self) -> None:
        self._replies.watch.hold()
        self._database.hold()

    def _resume(self) -> None:
        self._database.resume()
        self._replies.watch.resume()

    def _start(self) -> None:
        self._database.start()
        self._replies.watch.start()
        self._replies.start()


def path_of(url: str, environment: Environment) -> Path:
    """The file named by `url`, absolute."""
    host, _, path = url.partition("://")[2].partition("/")
    if host or "?" in path:
        raise ConfigError(
            f"The state URL {url!r} is not one for SQLite. Use sqlite:// (in the data folder), "
            "sqlite:///relative/path.sqlite3 or sqlite:////absolute/path.sqlite3"
        )
    if not path:
        return environment.data_dir().absolute() / "state.sqlite3"
    return Path(unquote(path)).absolute()


def _before_fork() -> None:
    _forking.acquire()
    _held.extend(_open)
    for state in _held:
        state._hold()


def _after_in_parent() -> None:
    while _held:
        _held.pop()._resume()
    _forking.release()


def _after_in_child() -> None:
    while _held:
        _held.pop()._start()
    _forking.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
