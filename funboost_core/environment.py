"""Everything that belongs together in one program: settings, clock, plugins, state, tasks.

A program uses the one returned by `default`; tests and embedders make their own.
"""

from __future__ import annotations

import contextlib
import os
import sys
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

from .clock import SYSTEM, Clock
from .native import RLock
from .settings import Settings

if TYPE_CHECKING:
    from .catalog import Catalog
    from .mailbox import Mailbox
    from .manager import Manager
    from .registry import Registry
    from .schedules import Schedulers
    from .state import State
    from .worker import Worker


_all: weakref.WeakSet[Environment] = weakref.WeakSet()


class Environment:
    """One program's settings, clock, plugins, state and tasks; its parts are made when first used.

    Args:
        settings: values that outrank environment variables and configuration files.
        clock: time; the system's by default.

    Example::

        environment = Environment({"STATE_URL": "memory://"})
    """

    def __init__(self, settings: Mapping[str, Any] | None = None, clock: Clock = SYSTEM) -> None:
        self.settings: Settings = Settings(settings)
        self.clock = clock
        self.aliases: dict[str, dict[str, str]] = {
            **{room: {} for room in ("brokers", "pools", "stores", "schedulers")},  # lower-case kind -> kind
            "extra": {},  # other spellings of controls in a message's extra -> ours
            "distributions": {},  # lower-case kind -> what to install, where that is not called like it
        }
        self._parts: dict[str, Any] = {}
        self._lock = RLock()
        _all.add(self)

    def _part(self, name: str, make: Callable[[], Any]) -> Any:
        try:
            return self._parts[name]
        except KeyError:
            with self._lock:
                if name not in self._parts:
                    self._parts[name] = make()
                return self._parts[name]

    @property
    def manager(self) -> Manager:
        """The plugins that are loaded."""
        from .manager import Manager

        return self._part("manager", lambda: Manager(self))  # type: ignore[no-any-return]

    @property
    def catalog(self) -> Catalog:
        """The plugins that are installed."""
        from .catalog import Catalog

        return self._part("catalog", lambda: Catalog(self))  # type: ignore[no-any-return]

    @property
    def state(self) -> State:
        """Where replies, history, filters, parked messages and flags are kept."""
        from .state import State

        return self._part("state", lambda: State(self))  # type: ignore[no-any-return]

    @property
    def registry(self) -> Registry:
        """The tasks of this program by queue name."""
        from .registry import Registry

        return self._part("registry", Registry)  # type: ignore[no-any-return]

    @property
    def worker(self) -> Worker:
        """Everything that consumes in this process."""
        from .worker import Worker

        return self._part("worker", lambda: Worker(self))  # type: ignore[no-any-return]

    @property
    def schedulers(self) -> Schedulers:
        """What publishes calls at set times in this process."""
        from .schedules import Schedulers

        return self._part("schedulers", lambda: Schedulers(self))  # type: ignore[no-any-return]

    @property
    def mailbox(self) -> Mailbox:
        """What waits for replies in the place of coroutines, callbacks and batches."""
        from .mailbox import Mailbox

        return self._part("mailbox", lambda: Mailbox(self))  # type: ignore[no-any-return]

    def __call__(self, name: str, default: Any = None) -> Any:
        """Short for ``self.settings(name, default)``."""
        return self.settings(name, default)

    def namespaced(self, name: str) -> str:
        """`name` with the NAMESPACE setting in front, so that several deployments can share a server."""
        namespace = self.settings("NAMESPACE")
        return f"{namespace}.{name}" if namespace else name

    def data_dir(self) -> Path:
        """The folder of `data_path`, made when missing."""
        folder = self.data_path()
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def data_path(self) -> Path:
        """Where files of embedded brokers and stores go.

        The setting DATA_DIR, else `.funboost` beside the project's configuration (setting PROJECT_ROOT), else a
        folder of the user's data directory named after the project.
        """
        explicit, root = self.settings("DATA_DIR"), self.settings("PROJECT_ROOT")
        if explicit:
            return Path(explicit).expanduser()
        return Path(root).expanduser() / ".funboost" if root else user_data_dir(_project())

    def like(self, settings: Mapping[str, Any], clock: Clock | None = None) -> Environment:
        """Another program with the same plugins, configuration and spellings, but tasks and state of its own.

        Args:
            settings: values that outrank those of this one.
            clock: its time; this one's if None.

        Example::

            with using(default().like({"STATE_URL": "memory://"})):
                ...
        """
        other = Environment(clock=clock or self.clock)
        other.settings = self.settings.over(settings)
        other.aliases = self.aliases
        other._parts.update(manager=self.manager, catalog=self.catalog)
        return other

    def close(self) -> None:
        """Stop what consumes and release what was opened."""
        for name in ("schedulers", "worker", "registry", "mailbox", "state"):
            part = self._parts.get(name)
            if part is not None:
                part.close()

    def _forked(self) -> None:
        """In a forked child: connections, threads and locks of the parent are not ours."""
        self._lock = RLock()
        for name in ("state", "worker", "schedulers", "mailbox"):
            self._parts.pop(name, None)
        if "manager" in self._parts:
            self.manager.lock = RLock()
        if "registry" in self._parts:
            self.registry.forget_connections()


def every() -> list[Environment]:
    """All environments of this process."""
    while True:
        try:
            return list(_all)
        except RuntimeError:  # another thread has just made one; a lock could be held for ever in a forked child
            continue


def _after_fork() -> None:
    for environment in every():
        environment._forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def user_data_dir(project: Path) -> Path:
    """The folder of this user's data folder that belongs to a project: the nearest marked folder from `project` up."""
    import hashlib

    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Application Support")
    else:
        base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    marked = (folder for folder in (project, *project.parents) if any((folder / mark).exists() for mark in _MARKS))
    folder = next(marked, project)
    key = f"{folder.name or 'root'}-{hashlib.sha256(str(folder).encode()).hexdigest()[:10]}"
    return Path(base) / "funboost" / key


_MARKS = ("pyproject.toml", "setup.py", ".git", ".hg")


def _project() -> Path:
    """The folder of the main script, or of the frozen program."""
    if getattr(sys, "frozen", False):  # its script may be in a folder that is unpacked anew each time
        return Path(sys.executable).resolve().parent
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    return Path(main).resolve().parent if main else Path.cwd()


_default: Environment | None = None
_making = RLock()


@contextlib.contextmanager
def using(environment: Environment) -> Iterator[Environment]:
    """Let `environment` be the one that `default` returns, within the block; for tests."""
    global _default
    before, _default = _default, environment
    try:
        yield environment
    finally:
        _default = before


def default() -> Environment:
    """The environment of this program."""
    global _default
    if _default is None:
        with _making:
            if _default is None:
                _default = Environment()
    return _default
