"""A task's arguments right before a run: from what a message carries to what the function takes.

Everybody else (hooks, `fct`, results, dead letters) sees them as they travel.  Each run gets them anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from ..context import current
from ..message import CODECS, PICKLED

if TYPE_CHECKING:
    from ..task import Task

Call = Callable[..., Any]


def rebuilding(function: Call, task: Task) -> Call:
    """`function` called with what annotations and methods make of JSON; itself where they make nothing."""
    method, typed = task.method, task.typed
    if method is None and not typed:
        return function

    def call(**arguments: Any) -> Any:
        for parameter in typed:
            if parameter.name in arguments:
                arguments[parameter.name] = parameter.restore(arguments[parameter.name])
        if method is not None:
            arguments[method.first] = method.restore(arguments.get(method.first))
        return function(**arguments)

    return call


def opening(call: Call, task: Task) -> Call:
    """`call` for messages that were encoded by codecs or have pickled arguments."""

    def opened(**arguments: Any) -> Any:
        extra = current.get().extra
        if task.codecs or CODECS in extra:
            from .codecs import restore_codecs

            arguments = restore_codecs(task.codecs, task, arguments, extra)
        if PICKLED in extra:
            from .signed import restore

            arguments = restore(task, arguments, extra)
        return call(**arguments)

    return opened
