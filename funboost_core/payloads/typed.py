"""Arguments whose annotation says how JSON carries them: pydantic models, dataclasses, datetime, UUID, set, bytes …"""

from __future__ import annotations

import inspect
import typing
from collections import abc
from types import SimpleNamespace
from typing import Any, Callable

from pydantic import ConfigDict, PydanticUserError, TypeAdapter, ValidationError
from pydantic_core import to_json

from ..errors import BadMessage
from ..message import is_plain

_SCALARS = frozenset({str, int, float, bool, type(None), None, Any, object, inspect.Parameter.empty})
_LISTS = frozenset({list, abc.Sequence, abc.MutableSequence, abc.Collection, abc.Iterable})
_DICTS = frozenset({dict, abc.Mapping, abc.MutableMapping})
_BYTES = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")


class Typed:
    """One parameter whose annotation is more than JSON."""

    def __init__(self, name: str, adapter: TypeAdapter[Any]) -> None:
        self.name = name
        self._adapter = adapter

    def pack(self, value: Any) -> tuple[Any, bool]:
        """The value as JSON carries it, and whether that is exact: rebuilt, it has the same type and is equal.

        Raises:
            ValueError: it is JSON already, from which the annotated type cannot be made.
        """
        try:
            form = self._adapter.dump_python(value, mode="json", by_alias=True, warnings="error")
            rebuilt = self._adapter.validate_json(to_json(form))
            if type(rebuilt) is type(value) and bool(rebuilt == value):
                return form, True
        except Exception:  # errors of pydantic, and whatever the methods of a class of the user's raise
            pass
        if not is_plain(value):
            return value, False
        try:
            self._adapter.validate_json(to_json(value))
        except ValueError as error:
            raise ValueError(_short(error)) from error
        return value, True

    def restore(self, value: Any) -> Any:
        """The argument from its JSON; what is no JSON (brokers that pass objects) is left as it is.

        Raises:
            BadMessage: it does not fit.
        """
        try:
            return self._adapter.validate_json(to_json(value)) if is_plain(value) else value
        except (ValueError, RecursionError, PydanticUserError) as error:
            raise BadMessage(
                reason=f"the argument {self.name!r} does not fit its annotation: {_short(error)}"
            ) from error


def typed_parameters(function: Callable[..., Any]) -> tuple[Typed, ...]:
    """Those parameters of a function whose annotation pydantic can carry in JSON and JSON alone cannot."""
    found = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        annotation = _resolved(function, parameter.annotation)
        if _plain(annotation):
            continue
        if parameter.default is None:
            annotation = typing.Optional[annotation]
        adapter = _adapter(annotation)
        if adapter is not None:
            found.append(Typed(parameter.name, adapter))
    return tuple(found)


def _resolved(function: Callable[..., Any], annotation: Any) -> Any:
    """An annotation given as text as what it means; one that means nothing at run time counts as none."""
    if annotation is inspect.Parameter.empty:
        return annotation
    names = getattr(inspect.unwrap(function), "__globals__", {})
    holder: Any = SimpleNamespace(__annotations__={"it": annotation})
    try:
        return typing.get_type_hints(holder, names, include_extras=True)["it"]
    except Exception:  # imported for type checkers only, a class inside a function, or newer syntax than this Python's
        return inspect.Parameter.empty


def _plain(annotation: Any) -> bool:
    """Whether JSON carries what is annotated so: nothing is to be done then."""
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is None:
        supertype = getattr(annotation, "__supertype__", None)  # of a NewType
        if supertype is not None:
            return _plain(supertype)
        if isinstance(annotation, typing.TypeVar):
            return True
        try:
            return annotation in _SCALARS or annotation in _LISTS or annotation in _DICTS
        except TypeError:  # what cannot be hashed is no type
            return True
    if origin is typing.Literal:
        return all(type(value) in _SCALARS for value in args)
    if origin in _DICTS:
        return args[0] in (str, Any) and _plain(args[1])
    if hasattr(annotation, "__metadata__"):  # Annotated[...]
        return _plain(args[0])
    return (origin in _LISTS or origin is typing.Union or _is_union(origin)) and all(map(_plain, args))


def _is_union(origin: Any) -> bool:
    return getattr(origin, "__name__", "") == "UnionType"  # of X | Y, from Python 3.10


def _adapter(annotation: Any) -> TypeAdapter[Any] | None:
    for config in (_BYTES, None):  # models and dataclasses have a configuration of their own and refuse another
        try:
            return TypeAdapter(annotation, config=config)
        except Exception:  # a class that pydantic does not know, or whose own code fails
            continue
    return None


def _short(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        return f"{where}: {first['msg']}" if where else str(first["msg"])
    return str(error)
