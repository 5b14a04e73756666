"""From the name of a kind to its plugin: registered, else installed (entry points), else what to install."""

from __future__ import annotations

import difflib
import sys
from typing import TYPE_CHECKING, Any

from .errors import PluginIncompatible, UnknownKind
from .native import RLock

if TYPE_CHECKING:
    from .environment import Environment

_LABELS = {"brokers": "broker", "pools": "pool", "stores": "store", "schedulers": "scheduler", "hooks": "hook"}


class Catalog:
    """Finds plugins by room and kind and imports only the one that is asked for.

    A room is an entry-point group (``funboost.brokers`` …) and an entry's name is the kind.
    """

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._groups: dict[str, dict[str, Any]] = {}
        self._lock = RLock()

    def find(self, room: str, kind: str, index: str | None = None) -> Any:
        """The record of `kind` (any case; aliases of the environment apply).

        Raises:
            UnknownKind: it is not installed; the message names the distribution to install.
            PluginIncompatible: its plugin does not load with this core.
        """
        manager = self._environment.manager
        kind = self._environment.aliases.get(room, {}).get(kind.casefold(), kind)
        found = manager.find(index or room, kind)
        if found is None:
            with self._lock:
                entry = self.installed(room).get(kind.casefold())
                if entry is not None and not manager.is_blocked(entry.value):
                    manager.register(self._load(entry), entry.value)
                    found = manager.find(index or room, kind)
        if found is None:
            raise self._unknown(room, kind)
        return found

    def kinds(self, room: str) -> list[str]:
        """The kinds of a room that can be used, sorted."""
        names = {kind.casefold(): kind for kind in self._environment.manager.specs(room)}
        for key, entry in self.installed(room).items():
            names.setdefault(key, entry.name)
        return sorted(names.values())

    def load_hooks(self, names: str) -> None:
        """Register the lifecycle plugins named in the setting HOOKS ("name,name")."""
        for name in filter(None, (part.strip() for part in names.split(","))):
            entry = self.installed("hooks").get(name.casefold())
            if entry is None:
                raise self._unknown("hooks", name)
            self._environment.manager.register(self._load(entry), entry.value)

    def installed(self, room: str) -> dict[str, Any]:
        """Entry points of a room by lower-case kind; the distributions are read once."""
        if room not in self._groups:
            self._groups[room] = {entry.name.casefold(): entry for entry in _entry_points(f"funboost.{room}")}
        return self._groups[room]

    def _load(self, entry: Any) -> Any:
        try:
            return entry.load()
        except Exception as error:
            from . import __version__

            raise PluginIncompatible(
                plugin=f"{entry.name} ({entry.value})", core=__version__, reason=f"{type(error).__name__}: {error}"
            ) from error

    def _unknown(self, room: str, kind: str) -> UnknownKind:
        label = _LABELS[room]
        installed = self.kinds(room) if room != "hooks" else sorted(self.installed(room))
        near = difflib.get_close_matches(kind.casefold(), [name.casefold() for name in installed], 1)
        return UnknownKind(
            room=label,
            kind=kind,
            installed=", ".join(installed) or "none",
            dist=f"funboost-{label}-{kind.casefold().replace('_', '-')}",
            hint=f". Did you mean {near[0]!r}?" if near else "",
        )


def _entry_points(group: str) -> Any:
    if sys.version_info >= (3, 10):
        from importlib.metadata import entry_points
    else:
        from importlib_metadata import entry_points
    return entry_points(group=group)
