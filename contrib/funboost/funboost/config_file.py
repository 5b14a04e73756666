"""`funboost_config.py` as a source of settings: an ordinary module, imported when a setting is first asked for."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from . import aliases
from .defaults import CONNECTIONS

if TYPE_CHECKING:
    from types import ModuleType

MODULE = "funboost_config"
CLASSES = ("BrokerConnConfig", "FunboostCommonConfig")
_LISTS = ("HOOKS", "DISABLE_PLUGINS", "SECRET_KEY")
"""Settings that are texts with commas; a file may have lists."""

_read: dict[int, Mapping[str, Any]] = {}
_writings = 0
"""How often the file has been written here, the key of what was read since: what another thread still reads is older."""


def values() -> Mapping[str, Any]:
    """What the file says, under the right names; nothing where there is no file.

    Which file it is, is decided as for any import: the folder of the script, then PYTHONPATH in its order.

    Raises:
        ConfigError: the file cannot be imported.
    """
    since = _writings
    said = _read.get(since)
    if said is None:
        found = _import()
        if getattr(getattr(found, "__spec__", None), "_initializing", False):
            return {}  # the file itself asks for a setting
        said = _read[since] = _values(found) if found is not None else {}
    return said


def differs(name: str) -> bool:
    """Whether the file gives a connection setting another value than the documented default."""
    default = CONNECTIONS.get(name)
    return str(values().get(name, default) or "") != str(default or "")


def path() -> str:
    """The file that was read, "" where there is none."""
    values()
    return str(getattr(sys.modules.get(MODULE), "__file__", None) or "")


def forget() -> None:
    """Look for the file again when a setting is next asked for: one has just been written."""
    global _writings
    from importlib import invalidate_caches

    invalidate_caches()
    _writings += 1


def _import() -> ModuleType | None:
    from importlib import import_module

    try:
        return import_module(MODULE)
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and error.name == MODULE:
            return None
        from funboost_core.errors import ConfigError

        where = getattr(error, "filename", "") or MODULE
        raise ConfigError(f"{where} cannot be used as configuration: {type(error).__name__}: {error}") from error


def _values(module: ModuleType) -> dict[str, Any]:
    """Constants of the module, and above them those of its classes."""
    said: dict[str, Any] = {}
    for scope in (module, *(getattr(module, name, None) for name in CLASSES)):
        for cls in reversed(getattr(scope, "__mro__", (scope,))):
            said.update((name, value) for name, value in _vars(cls).items() if name.isupper() and name[0] != "_")
    ours = {aliases.SETTINGS.get(name, name): value for name, value in said.items()}
    for name in _LISTS:
        if isinstance(ours.get(name), (list, tuple)):
            ours[name] = ",".join(ours[name])
    from .configuration.urls import without_derived

    return without_derived(ours)


def _vars(scope: Any) -> dict[str, Any]:
    return dict(getattr(scope, "__dict__", {}))
