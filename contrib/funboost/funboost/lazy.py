"""Names that are imported when first used (PEP 562), so that ``import funboost`` does nothing but import."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Callable


def load(where: str) -> Any:
    """The object at ``"package.module:name"``, imported now."""
    from importlib import import_module

    module, _, name = where.partition(":")
    return getattr(import_module(module), name)


def exporter(module: str, exports: Mapping[str, str]) -> Callable[[str], Any]:
    """The ``__getattr__`` of a module that offers `exports` (name -> ``"package.module:name"``)."""

    def __getattr__(name: str) -> Any:
        where = exports.get(name)
        if where is not None:
            value = sys.modules[module].__dict__[name] = load(where)
            return value
        raise AttributeError(f"module {module!r} has no attribute {name!r}{_near(name, exports)}")

    return __getattr__


def _near(name: str, exports: Mapping[str, str]) -> str:
    if name.startswith("_"):
        return ""
    from difflib import get_close_matches

    near = get_close_matches(name, exports, 1)
    return f". Did you mean {near[0]!r}?" if near else ""
