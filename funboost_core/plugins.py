"""Plugins without metadata: in a script, in tests, in a frozen program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .environment import default

if TYPE_CHECKING:
    from .environment import Environment


def register_plugin(plugin: Any, environment: Environment | None = None) -> None:
    """Register a module or object with hook implementations.

    Raises:
        DuplicateKind: it declares a kind that another plugin has declared.
        PluginIncompatible: one of its hooks does not exist here or takes other arguments.

    Example::

        import my_broker

        register_plugin(my_broker)
    """
    (environment or default()).manager.register(plugin)
