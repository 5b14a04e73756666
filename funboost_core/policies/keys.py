"""Which calls count as the same: from the arguments of a call to the text by which it is compared."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Callable

from ..errors import ConfigError

if TYPE_CHECKING:
    from ..params import Key
    from ..task import Task

KeyOf = Callable[[Mapping[str, Any]], str]

_LONGEST = 120
"""Longer texts are replaced by their hash: keys of state stores are short everywhere."""


def key_of(key: Key | None, task: Task, field: str) -> KeyOf:
    """The function that gives a call's key: by the argument called `key`, several, a function of the arguments (called
    with them by name, like the task itself), or all arguments if None.  An argument that is left out counts as its default.

    Raises:
        ConfigError: `field` (the parameter's name, for the message) names an argument that the function has not.

    Example::

        key_of("user", task, "rate_key")({"user": "ann", "x": 1}) == '"ann"'
    """
    if callable(key):
        function = key
        return lambda arguments: text_of_key(function(**arguments))
    defaults = _defaults(task)
    if key is None:
        return lambda arguments: text_of_key({**defaults, **arguments})
    names = (key,) if isinstance(key, str) else key
    signature = task.signature
    if signature is not None and not signature.open:
        unknown = [name for name in names if name not in signature.accepted]
        if unknown:
            raise ConfigError(
                f"{field}={key!r} of queue {task.queue_name!r} names {', '.join(map(repr, unknown))}, which is no argument "
                f"of {signature.name}; it takes: {', '.join(sorted(signature.accepted)) or 'nothing'}"
            )
    if len(names) == 1:
        (only,) = names
        return lambda arguments: text_of_key(arguments.get(only, defaults.get(only)))
    return lambda arguments: text_of_key([arguments.get(name, defaults.get(name)) for name in names])


def text_of_key(value: Any) -> str:
    """`value` as canonical JSON text, a long one as its hash; the same in every process."""
    return short_text(json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=repr))


def short_text(text: str) -> str:
    """`text`, a long one as its hash."""
    if len(text) <= _LONGEST:
        return text
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _defaults(task: Task) -> dict[str, Any]:
    if task.function is None:
        return {}
    parameters = inspect.signature(task.function).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty}
