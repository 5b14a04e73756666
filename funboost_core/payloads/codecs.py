"""Codecs of plugins: what they do to arguments that are JSON already, and undo before the run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import BadMessage, ConfigError
from ..message import CODECS

if TYPE_CHECKING:
    from ..task import Task

_COMPARING = ("rate_key", "unique", "do_task_filtering", "throttle_seconds", "debounce_seconds")


class Codec(ABC):
    """Replaces the values of arguments, not their names; what it makes is JSON again.

    `name` goes into messages; a consumer that has no codec of that name refuses them.  With `required` a consumer
    refuses messages to which the codec was not applied.  With `hides`, nobody may see the arguments, so controls that
    compare them are refused.

    Example::

        class Reversed(Codec):
            name = "reversed"

            def encode(self, task, arguments, extra):
                return {name: text[::-1] for name, text in arguments.items()}

            def decode(self, task, arguments, extra):
                return {name: text[::-1] for name, text in arguments.items()}
    """

    name: str = ""
    required: bool = False
    hides: bool = False

    @abstractmethod
    def encode(self, task: Task, arguments: Mapping[str, Any], extra: dict[str, Any]) -> dict[str, Any] | None:
        """The values as they travel; None to leave the message alone.  It may note in `extra` what it needs to decode."""

    @abstractmethod
    def decode(self, task: Task, arguments: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
        """The values as they were.

        Raises:
            BadMessage: they cannot be had; the message is a dead letter with that reason.
        """


def codecs_of(task: Task) -> tuple[Codec, ...]:
    """The codecs of the plugins for `task`, in the order in which these were registered.

    Raises:
        ConfigError: one hides what a control of the task compares.
    """
    found: list[Codec] = task.hooks.hook.funboost_codec(task=task)[::-1]  # pluggy calls the last one first
    comparing = [name for name in _COMPARING if getattr(task.params, name)]
    for codec in found:
        if codec.hides and comparing:
            raise ConfigError(
                f"{comparing[0]} of queue {task.queue_name!r} compares arguments, and {codec.name!r} hides them. "
                "Leave one of them out."
            )
    return tuple(found)


def pack_codecs(
    codecs: Sequence[Codec], task: Task, arguments: dict[str, Any], extra: dict[str, Any]
) -> dict[str, Any]:
    """`arguments` after each codec, in order; `extra` says which."""
    names = []
    for codec in codecs:
        encoded = codec.encode(task, arguments, extra)
        if encoded is not None:
            arguments = encoded
            names.append(codec.name)
    if names:
        extra[CODECS] = names
    return arguments


def restore_codecs(
    codecs: Sequence[Codec], task: Task, arguments: dict[str, Any], extra: Mapping[str, Any]
) -> dict[str, Any]:
    """`arguments` before the codecs.

    Raises:
        BadMessage: a codec is not here, was left out, or cannot decode.
    """
    names = extra.get(CODECS, [])
    if type(names) is not list:
        raise BadMessage(reason=f"{CODECS} is no list")
    for codec in codecs:
        if codec.required and names.count(codec.name) != 1:
            raise BadMessage(reason=f"it was published without {codec.name!r}, which its consumer requires")
    left = {codec.name: codec for codec in codecs}
    for name in reversed(names):
        codec_of = left.pop(name, None) if type(name) is str else None  # each once
        if codec_of is None:
            raise BadMessage(
                reason=f"it was encoded with {name!r:.100}, which is not here; add that plugin to FUNBOOST_HOOKS"
            )
        arguments = codec_of.decode(task, arguments, extra)
    return arguments
