"""The plugins of one environment: register, index what they declare, block, trace, undo a failed registration."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterable
from types import ModuleType
from typing import TYPE_CHECKING, Any, Callable

import pluggy

from .errors import ConfigError, DuplicateKind, PluginIncompatible
from .hookspecs import PROJECT, ROOMS
from .native import RLock
from .records import BrokerSpec, PoolSpec, SchedulerSpec, Spec, StateSpec

if TYPE_CHECKING:
    from .environment import Environment

logger: logging.Logger = logging.getLogger("funboost.plugins")

DECLARATIONS: dict[str, tuple[str, type[Any]]] = {
    "funboost_brokers": ("brokers", BrokerSpec),
    "funboost_pools": ("pools", PoolSpec),
    "funboost_state_stores": ("stores", StateSpec),
    "funboost_result_stores": ("result stores", StateSpec),
    "funboost_filters": ("filters", StateSpec),
    "funboost_schedulers": ("schedulers", SchedulerSpec),
}


class Manager:
    """Plugins by name and what they declare by room and kind.

    Set ``FUNBOOST_TRACE_HOOKS=1`` to log each hook call, ``FUNBOOST_DISABLE_PLUGINS=name,name`` to keep plugins out.
    """

    def __init__(self, environment: Environment) -> None:
        self._pm = pluggy.PluginManager(PROJECT)
        for room in ROOMS:
            self._pm.add_hookspecs(room)
        self.hook: pluggy.HookRelay = self._pm.hook
        self._index: dict[str, dict[str, tuple[Spec, str]]] = {room: {} for room, _ in DECLARATIONS.values()}
        self._registering = ""
        self.lock: RLock = RLock()
        """Held while plugins are loaded and registered."""
        for name in str(environment.settings("DISABLE_PLUGINS", "")).split(","):
            if name.strip():
                self._pm.set_blocked(name.strip())
        for hook, (kinds, record) in DECLARATIONS.items():
            getattr(self.hook, hook).call_historic(result_callback=self._recorder(kinds, record))
        if environment.settings("TRACE_HOOKS"):
            self._pm.trace.root.setwriter(lambda text: logger.info("%s", text.rstrip()))
            self._pm.enable_tracing()

    def register(self, plugin: Any, name: str | None = None) -> None:
        """Register a module or object with hook implementations; registering it again does nothing.

        Raises:
            DuplicateKind: it declares a kind that another plugin has declared.
            PluginIncompatible: one of its hooks does not exist here or takes other arguments.
        """
        with self.lock:
            self._register(plugin, name)

    def _register(self, plugin: Any, name: str | None) -> None:
        if self._pm.is_registered(plugin):
            return
        label = name or _label(plugin)
        if self._pm.is_blocked(label) or (isinstance(plugin, ModuleType) and self._pm.get_plugin(label) is not None):
            return
        label = _free(self._pm, label)
        before = {room: dict(kinds) for room, kinds in self._index.items()}
        outer, self._registering = self._registering, label
        try:
            self._pm.register(plugin, label)
            self._pm.check_pending()
        except Exception as error:
            self._index.update(before)
            if self._pm.is_registered(plugin):
                self._pm.unregister(plugin)
            if isinstance(error, pluggy.PluginValidationError):
                raise _incompatible(label, error) from error
            raise
        finally:
            self._registering = outer  # a declaration may make another plugin load

    def unregister(self, plugin: Any) -> None:
        """Forget a plugin and all that it declared."""
        with self.lock:
            label = self._pm.get_name(plugin) or _label(plugin)
            self._pm.unregister(plugin)
            for kinds in self._index.values():
                for kind in [kind for kind, (_, owner) in kinds.items() if owner == label]:
                    del kinds[kind]

    def is_blocked(self, name: str) -> bool:
        """Whether DISABLE_PLUGINS names this plugin."""
        return self._pm.is_blocked(name)

    def find(self, room: str, kind: str) -> Any | None:
        """The record of `kind` in `room`, or None."""
        found = self._index[room].get(kind.casefold())
        return found[0] if found else None

    def specs(self, room: str) -> dict[str, Any]:
        """All records of a room by kind."""
        return {spec.kind: spec for spec, _ in list(self._index[room].values())}

    def scoped(self, hooks: Iterable[Any]) -> pluggy.PluginManager:
        """A manager that has these hooks too, for one task; the plugins of all stay as they are.

        Raises:
            PluginIncompatible: one of the hooks does not exist here or takes other arguments.
        """
        if not (hooks := list(hooks)):
            return self._pm
        manager = pluggy.PluginManager(PROJECT)
        for room in ROOMS:
            manager.add_hookspecs(room)
        with self.lock:
            present = self._pm.list_name_plugin()
        for name, plugin in present:
            if plugin is not None:
                manager.register(plugin, name)
        for hook in hooks:
            if manager.is_registered(hook):
                continue
            label = _free(manager, f"{_label(hook)} (task)")
            try:
                manager.register(hook, label)
                manager.check_pending()
            except pluggy.PluginValidationError as error:
                raise _incompatible(label, error) from error
        return manager

    def _recorder(self, room: str, record: type[Any]) -> Callable[[Iterable[Any]], None]:
        def add(specs: Iterable[Any]) -> None:
            for spec in specs:
                if not isinstance(spec, record):
                    raise ConfigError(
                        f"Plugin {self._registering} declares {spec!r} among the {room}; it must return "
                        f"{record.__name__} records."
                    )
                key = spec.kind.casefold()
                known = self._index[room].get(key)
                if known is not None:
                    raise DuplicateKind(room=room.rstrip("s"), kind=spec.kind, first=known[1], second=self._registering)
                self._index[room][key] = (spec, self._registering)

        return add


def _label(plugin: Any) -> str:
    if isinstance(plugin, ModuleType):
        return plugin.__name__
    cls = plugin if isinstance(plugin, type) else type(plugin)
    return f"{cls.__module__}.{cls.__qualname__}"


def _free(manager: pluggy.PluginManager, label: str) -> str:
    """`label`, with a number where another object of the same class has it."""
    names = (label if number == 1 else f"{label} {number}" for number in itertools.count(1))
    return next(name for name in names if manager.get_plugin(name) is None)


def _incompatible(label: str, error: Exception) -> PluginIncompatible:
    return PluginIncompatible(plugin=label, core=_version(), reason=" ".join(str(error).split()))


def _version() -> str:
    from . import __version__

    return __version__
