"""zlib and Zstandard over the JSON of single arguments."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from funboost_core import BadMessage, Codec, ConfigError
from funboost_core.message import decode, encode

if TYPE_CHECKING:
    from funboost_core.task import Task

ENTRY = "compressed"
"""Of a message's extra."""


class Compression(Codec):
    """Compresses what is large and gains by it.

    Raises:
        ConfigError: COMPRESSION is neither zlib nor zstd, or its package is not installed.
    """

    name = "compression"

    def __init__(self, task: Task) -> None:
        settings = task.environment.settings
        self._algorithm = str(settings("COMPRESSION", "zlib")).lower()
        self._threshold = int(settings("COMPRESSION_THRESHOLD", 1024))
        if self._algorithm not in ("zlib", "zstd"):
            raise ConfigError(f"The setting COMPRESSION is {self._algorithm!r}; it can be zlib or zstd.")
        if self._algorithm == "zstd":
            _zstandard()

    def encode(self, task: Task, arguments: Mapping[str, Any], extra: dict[str, Any]) -> dict[str, Any] | None:
        """Large values as base64 text."""
        packed, fields = dict(arguments), []
        for name, value in arguments.items():
            if type(value) in (str, list, dict):
                data = encode({"": value})
                if len(data) >= self._threshold:
                    text = base64.b64encode(self._compress(data)).decode()
                    if len(text) < len(data):
                        packed[name] = text
                        fields.append(name)
        if not fields:
            return None
        extra[ENTRY] = {"algorithm": self._algorithm, "fields": fields}
        return packed

    def decode(self, task: Task, arguments: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
        """The values as they were; all together no larger than `max_message_bytes`."""
        restored, left = dict(arguments), task.params.max_message_bytes
        try:
            about = extra[ENTRY]
            for name in about["fields"]:
                data = base64.b64decode(arguments[name], validate=True)
                data = _decompress(data, about["algorithm"], left)
                left -= len(data)
                restored[name] = decode(data, len(data))[""]
        except (BadMessage, ConfigError):
            raise
        except Exception as error:  # whatever a library says about bytes that are not its own
            raise BadMessage(reason=f"its arguments cannot be decompressed: {type(error).__name__}: {error}") from error
        return restored

    def _compress(self, data: bytes) -> bytes:
        if self._algorithm == "zlib":
            return zlib.compress(data, 6)
        compressed: bytes = _zstandard().ZstdCompressor().compress(data)
        return compressed


def _decompress(data: bytes, algorithm: str, limit: int) -> bytes:
    if algorithm == "zlib":
        unpacked = zlib.decompressobj().decompress(data, limit + 1)
    elif algorithm == "zstd":
        unpacked = _zstandard().ZstdDecompressor().stream_reader(data).read(limit + 1)
    else:
        raise BadMessage(reason=f"its arguments are compressed by {algorithm!r:.50}, which is not known here")
    if len(unpacked) > limit:
        raise BadMessage(reason="its arguments have more than max_message_bytes when they are decompressed")
    return unpacked


def _zstandard() -> Any:
    try:
        import zstandard
    except ImportError:
        raise ConfigError("Compression by zstd needs a package: pip install funboost-hook-compression[zstd]") from None
    return zstandard
