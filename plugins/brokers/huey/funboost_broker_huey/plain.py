"""Huey's messages as JSON instead of pickles: reading a file must not run code."""

from __future__ import annotations

import base64
import datetime
import json
from typing import Any

from huey.registry import Message
from huey.serializer import Serializer


class PlainSerializer(Serializer):  # type: ignore[misc]
    """For tasks whose arguments are bytes; results are not kept."""

    def _serialize(self, data: Any) -> bytes:
        return json.dumps(list(data), default=_plain).encode()

    def _deserialize(self, data: bytes) -> Any:
        return Message(*json.loads(data, object_hook=_rich))


def _plain(value: Any) -> dict[str, str]:
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    if isinstance(value, datetime.datetime):
        return {"time": value.isoformat()}
    raise TypeError(f"no message of ours has a {type(value).__name__}")


def _rich(value: dict[str, Any]) -> Any:
    if value.keys() == {"bytes"}:
        return base64.b64decode(value["bytes"])
    if value.keys() == {"time"}:
        return datetime.datetime.fromisoformat(value["time"])
    return value
