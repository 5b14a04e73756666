"""The envelope: arguments by name plus ``extra``; ids; JSON.  Readable and writable by any language.

``{"x": 1, "y": 2, "extra": {"task_id": "<queue>_result:<id>", "publish_time": 1701687443.3596,
"publish_time_format": "2023-12-04 10:57:23", …}}``; a foreign object without ``extra`` is as welcome.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json, to_json

from .errors import BadMessage, NotSerializable

if TYPE_CHECKING:
    from .ports.broker import Delivery

RESERVED = ("extra", "publish_time", "publish_time_format")
"""Top-level names of a message that are no arguments."""
DEAD_LETTERS = "_dlx"
"""What the name of a dead-letter queue has at its end."""
PICKLED = "can_not_json_serializable_keys"
"""Entry of an `extra`: the arguments that are text of the literal of their pickled bytes."""
CODECS = "codecs"
"""Entry of an `extra`: the names of the codecs that were applied to the arguments, in their order."""
GENERATED = 3
"""Entries that every `extra` has; more of them means that the message may override controls."""


class Message:
    """A message on its way out, as hooks see it."""

    __slots__ = ("arguments", "extra")

    def __init__(self, arguments: dict[str, Any], extra: dict[str, Any]) -> None:
        self.arguments: dict[str, Any] = arguments
        self.extra: dict[str, Any] = extra

    @property
    def task_id(self) -> Any:
        """The message's id."""
        return self.extra["task_id"]


# -- ids -------------------------------------------------------------------------------------------------------


class _Ids:
    """Ids in the shape of a UUID 4: random for each process, then a counter (0.2 µs; uuid4 costs 2.4)."""

    def __init__(self) -> None:
        self.seed()

    def seed(self) -> None:
        head = os.urandom(10).hex()
        self.prefix = f"_result:{head[:8]}-{head[8:12]}-4{head[13:16]}-a{head[17:20]}-"
        self.count = itertools.count(int.from_bytes(os.urandom(5), "big"))


_ids = _Ids()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_ids.seed)


def new_task_id(queue_name: str) -> str:
    """A fresh id; the part before ``_result:`` is the queue's name."""
    return f"{queue_name}{_ids.prefix}{next(_ids.count):012x}"


# -- JSON ------------------------------------------------------------------------------------------------------

_SCALARS = frozenset({str, int, float, bool, type(None)})


def is_plain(value: Any) -> bool:
    """Whether the fast encoder is exact for `value`: it would turn sets, bytes, dates … into JSON silently."""
    kind = type(value)
    if kind in _SCALARS:
        return True
    if kind is list:
        return all(map(is_plain, value))
    if kind is dict:
        for key, item in value.items():  # written out: a third of the cost of encoding
            if type(key) is not str or (type(item) not in _SCALARS and not is_plain(item)):
                return False
        return True
    return False


def encode(body: dict[str, Any], queue: str = "") -> bytes:
    """`body` as JSON text, non-ASCII as UTF-8.

    Raises:
        NotSerializable: a value that JSON cannot carry; names the argument.
    """
    try:
        if is_plain(body):
            return to_json(body)
    except (ValueError, RecursionError):  # a lone surrogate, which only escaping can carry; or too deep
        pass
    import json

    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(body, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError):
        for name, value in body.items():
            try:
                json.dumps(value)
            except (TypeError, ValueError, RecursionError) as error:
                raise NotSerializable(name=name, queue=queue, type=f"{type(value).__name__} ({error})") from error
        raise


def as_bytes(body: bytes | str | dict[str, Any]) -> bytes:
    """What a broker without OBJECTS would carry."""
    if isinstance(body, dict):
        return encode(body)
    return body.encode("utf-8", "surrogatepass") if isinstance(body, str) else bytes(body)


def decode(body: bytes | str | dict[str, Any], limit: int) -> dict[str, Any]:
    """The message dict of a fetched body.

    Raises:
        BadMessage: it is no JSON object or has more than `limit` bytes.
    """
    if isinstance(body, dict):
        return body.copy()
    size = len(body)
    if isinstance(body, str) and not body.isascii():
        size = len(body.encode("utf-8", "surrogatepass"))
    if size > limit:
        raise BadMessage(reason=f"the message has {size} bytes, max_message_bytes is {limit}")
    try:
        data = from_json(body)
    except ValueError:
        import json

        try:
            # The standard library accepts a little more, for example lone surrogates; but not by guessing encodings.
            data = json.loads(body if isinstance(body, str) else bytes(body).decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            raise BadMessage(reason=f"the message is not JSON: {error}") from error
    if type(data) is not dict:
        raise BadMessage(reason=f"the message is a JSON {type(data).__name__}, not an object")
    return data


def unpack(delivery: Delivery, data: dict[str, Any], queue_name: str, now: float) -> None:
    """Set the delivery's `arguments` and `extra` from its message dict, completing the extra of foreign messages."""
    extra = data.pop("extra", None)
    if "publish_time" in data or "publish_time_format" in data:
        for name in RESERVED:
            data.pop(name, None)
    if type(extra) is not dict:
        if extra is not None:
            raise BadMessage(reason=f"extra is a {type(extra).__name__}, not an object")
        extra = {"is_auto_fill_extra": True}
    elif isinstance(delivery.body, dict):
        extra = extra.copy()
    if extra.get("task_id") is None:
        extra["task_id"] = new_task_id(queue_name)
    if type(extra.get("publish_time")) not in (int, float):
        extra["publish_time"] = now
    delivery.arguments = data
    delivery.extra = extra


def priority_of(body: bytes | dict[str, Any]) -> int:
    """The priority that a message asks for; 0 where it has none or cannot be read."""
    try:
        message = body if isinstance(body, dict) else from_json(body)
        priority = message["extra"]["priority"]
    except (ValueError, TypeError, KeyError):
        return 0
    return priority if type(priority) is int else 0


def respell(extra: dict[str, Any], spellings: Mapping[str, str]) -> None:
    """Rename the entries of an extra that another program spells differently; our own spelling wins."""
    for other in spellings.keys() & extra.keys():
        extra.setdefault(spellings[other], extra.pop(other))


def repack(delivery: Delivery, **changes: Any) -> dict[str, Any]:
    """The delivery as a message dict again, with `changes` to its extra; None removes an entry."""
    extra = {**delivery.extra, **changes}
    return {**delivery.arguments, "extra": {name: value for name, value in extra.items() if value is not None}}
