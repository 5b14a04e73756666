"""Lifecycle hooks as tuples of plain callables, bound once at start: pluggy is not on the hot path."""

from __future__ import annotations

import logging
from typing import Any, Callable

import pluggy

from .errors import ConfigError

logger: logging.Logger = logging.getLogger("funboost.hooks")

Bound = Callable[..., Any]


def bind(manager: pluggy.PluginManager, hook: str, *names: str) -> tuple[Bound, ...]:
    """The implementations of a *notify* hook, in pluggy's order, each called with `names` positionally.

    Exceptions are logged with the plugin's name and go no further.
    """
    return tuple(
        _guarded(impl.function, impl.argnames, names, impl.plugin_name, hook) for impl in _impls(manager, hook)
    )


def bind_deciding(manager: pluggy.PluginManager, hook: str, *names: str) -> Bound | None:
    """One callable that returns the first answer which is not None, or None where nobody implements the hook."""
    impls = [_picking(impl.function, impl.argnames, names) for impl in _impls(manager, hook)]
    if not impls:
        return None
    if len(impls) == 1:
        return impls[0]

    def first(*args: Any) -> Any:
        for impl in impls:
            answer = impl(*args)
            if answer is not None:
                return answer
        return None

    return first


def bind_around(manager: pluggy.PluginManager, hook: str, **context: Any) -> list[Callable[[Bound], Bound]]:
    """The wrappers that the implementations return, outermost first."""
    return [wrap for wrap in getattr(manager.hook, hook)(**context) if wrap is not None]


def _impls(manager: pluggy.PluginManager, hook: str) -> list[pluggy.HookImpl]:
    impls: list[pluggy.HookImpl] = getattr(manager.hook, hook).get_hookimpls()
    for impl in impls:
        if impl.wrapper or impl.hookwrapper:
            raise ConfigError(
                f"Plugin {impl.plugin_name} implements {hook} as a wrapper, which is not called here. "
                "Implement funboost_around_execute instead."
            )
    return impls[::-1]


def _picking(function: Bound, wanted: tuple[str, ...], names: tuple[str, ...]) -> Bound:
    """`function` callable with all of `names` positionally although it may take fewer."""
    if tuple(wanted) == names:
        return function
    positions = [names.index(name) for name in wanted]
    if not positions:
        return lambda *args: function()
    if len(positions) == 1:
        (only,) = positions
        return lambda *args: function(args[only])
    return lambda *args: function(*[args[position] for position in positions])


def _guarded(function: Bound, wanted: tuple[str, ...], names: tuple[str, ...], plugin: str, hook: str) -> Bound:
    call = _picking(function, wanted, names)

    def guarded(*args: Any) -> None:
        try:
            call(*args)
        except Exception:
            logger.exception("Hook %s of plugin %s failed; the task goes on.", hook, plugin)

    return guarded
