"""From the name of a kind to its plugin: registered, else installed (entry points), else what to install."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from .errors import PluginIncompatible, UnknownKind

if TYPE_CHECKING:
    from .environment import Environment

ROOMS = {"brokers": "broker", "pools": "pool", "stores": "store", "schedulers": "scheduler", "hooks": "hook"}
"""What a plugin of each room is called."""


class Catalog:
    """Finds plugins by room and kind and imports only the one that is asked for.

    A room is an entry-point group (``funboost.brokers`` …) and an entry's name is the kind.
    """

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._groups: dict[str, dict[str, Any]] = {}

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
            with manager.lock:
                entry = self.installed(room).get(kind.casefold())
                if entry is None or manager.is_blocked(entry.value):
                    raise self._unknown(room, kind, entry)
                manager.register(self._load(entry), entry.value)
                found = manager.find(index or room, kind)
                if found is None:
                    raise UnknownKind(f"{_about(entry)} is installed, but it declares no {ROOMS[room]} {kind!r}.")
        return found

    def kinds(self, room: str) -> list[str]:
        """The kinds of a room that can be used, sorted."""
        names = {kind.casefold(): kind for kind in self._environment.manager.specs(room)}
        for key, entry in self.installed(room).items():
            if not self._environment.manager.is_blocked(entry.value):
                names.setdefault(key, entry.name)
        return sorted(names.values())

    def load_hooks(self, names: str) -> None:
        """Register the lifecycle plugins named in the setting HOOKS ("name,name")."""
        for name in filter(None, (part.strip() for part in names.split(","))):
            entry = self.installed("hooks").get(name.casefold())
            if entry is None:
                raise self._unknown("hooks", name)
            if not self._environment.manager.is_blocked(entry.value):
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
                plugin=_about(entry), core=__version__, reason=f"{type(error).__name__}: {error}"
            ) from error

    def _unknown(self, room: str, kind: str, blocked: Any = None) -> UnknownKind:
        import difflib

        label = ROOMS[room]
        if blocked is not None:
            return UnknownKind(f"The {label} {kind!r} is kept out: the setting DISABLE_PLUGINS names {blocked.value}.")
        installed = self.kinds(room) if room != "hooks" else sorted(self.installed(room))
        names = {name.casefold(): name for name in installed}
        near = difflib.get_close_matches(kind.casefold(), names, 1)
        return UnknownKind(
            room=label,
            kind=kind,
            installed=", ".join(installed) or "none",
            dist=self._environment.aliases["distributions"].get(
                kind.casefold(), f"funboost-{label}-{kind.casefold().replace('_', '-')}"
            ),
            hint=f". Did you mean {names[near[0]]!r}?" if near else "",
        )


def _about(entry: Any) -> str:
    return f"{entry.name} ({entry.value})"


def _entry_points(group: str) -> Any:
    if sys.version_info >= (3, 10):
        from importlib.metadata import entry_points
    else:
        from importlib_metadata import entry_points
    return entry_points(group=group)
