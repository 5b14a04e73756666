"""Arguments against the function: bound by name when publishing, checked by name on both sides."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any, Callable

from .errors import ConfigError, SignatureError
from .message import RESERVED as _RESERVED

RESERVED = frozenset(_RESERVED)


class Signature:
    """The parameters of a function, prepared so that checking a call costs less than a microsecond.

    Raises:
        ConfigError: the function takes ``*args``, which a message by names cannot carry, or a name that messages use.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.name: str = getattr(function, "__qualname__", repr(function))
        parameters = inspect.signature(function).parameters.values()
        if any(p.kind is p.VAR_POSITIONAL for p in parameters):
            raise ConfigError(f"{self.name} takes *args; a message carries arguments by name. Name the parameters.")
        taken = [p.name for p in parameters if p.name in RESERVED and p.kind is not p.VAR_KEYWORD]
        if taken:
            raise ConfigError(f"{self.name} has a parameter {taken[0]!r}, a name that messages use. Rename it.")
        named = [p for p in parameters if p.kind is not p.VAR_KEYWORD]
        self.positional_only: tuple[str, ...] = tuple(p.name for p in named if p.kind is p.POSITIONAL_ONLY)
        self.positional: tuple[str, ...] = tuple(p.name for p in named if p.kind is not p.KEYWORD_ONLY)
        self.accepted: frozenset[str] = frozenset(p.name for p in named)
        self.required: frozenset[str] = frozenset(p.name for p in named if p.default is p.empty)
        self.open: bool = any(p.kind is p.VAR_KEYWORD for p in parameters)

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any], check: bool = True) -> dict[str, Any]:
        """The arguments of a call by name; defaults are left to the consumer's function.

        Raises:
            SignatureError: they do not fit.
        """
        if args:
            arguments = dict(zip(self.positional, args))
            if len(args) > len(self.positional):
                raise self._error(f"it takes {len(self.positional)} positional arguments, {len(args)} were given")
            if kwargs:
                if not arguments.keys().isdisjoint(kwargs):
                    raise self._error(f"given twice: {_names(arguments.keys() & kwargs.keys())}")
                arguments.update(kwargs)
        else:
            arguments = kwargs
        if check and arguments.keys() != self.accepted:
            self.check(arguments)
        return arguments

    def check(self, arguments: dict[str, Any]) -> None:
        """Raise `SignatureError` where names are missing or unknown."""
        keys = arguments.keys()
        if keys == self.accepted or self.required <= keys <= self.accepted:
            return
        missing, unknown, reserved = self.required - keys, keys - self.accepted, keys & RESERVED
        if self.open and not missing and not reserved:
            return
        problems = []
        if missing:
            problems.append(f"missing: {_names(missing)}")
        if unknown and not self.open:
            problems.append(f"unknown: {_names(unknown)}")
        elif reserved:
            problems.append(f"used by messages themselves: {_names(reserved)}")
        raise self._error("; ".join(problems) + f"; it takes: {_names(self.accepted) or 'nothing'}")

    def _error(self, problem: str) -> SignatureError:
        return SignatureError(function=self.name, problem=problem)


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(map(str, names)))


def is_coroutine(function: Callable[..., Any]) -> bool:
    """Whether calling `function` gives a coroutine, also where a plain decorator wraps an ``async def``."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(inspect.unwrap(function))


def awaiting(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, which may be a plain one that returns a coroutine, as a coroutine function."""
    if inspect.iscoroutinefunction(function):
        return function

    async def call(**arguments: Any) -> Any:
        result = function(**arguments)
        return await result if inspect.isawaitable(result) else result

    return call


def by_name(function: Callable[..., Any], signature: Signature) -> Callable[..., Any]:
    """`function` callable with keywords only, also where it has positional-only parameters."""
    names = signature.positional_only
    if not names:
        return function

    def call(**arguments: Any) -> Any:
        return function(*[arguments.pop(name) for name in names if name in arguments], **arguments)

    return call
