"""AES-256-GCM over the JSON of single arguments, with a key of its own for each message."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from funboost_core import BadMessage, Codec, ConfigError
from funboost_core.message import decode, encode
from funboost_core.payloads.keyring import bound
from funboost_core.settings import as_bool

if TYPE_CHECKING:
    from funboost_core.payloads.keyring import Key
    from funboost_core.task import Task

ENTRY = "encrypted"
"""Of a message's extra: ``{"kid": …, "salt": …}``."""


class Encryption(Codec):
    """Encrypts every value; each is bound to its name, the names of all, the task's id and the queue.

    Raises:
        ConfigError: when publishing to a broker that crosses hosts, without SECRET_KEY.
    """

    name = "encryption"
    hides = True

    def __init__(self, task: Task) -> None:
        self.required = not as_bool(task.environment.settings("ENCRYPTION_ACCEPTS_PLAIN", False))

    def encode(self, task: Task, arguments: Mapping[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
        """Each value as base64 text."""
        key = task.keyring.current(task)
        if key is None:
            raise ConfigError(
                f"Arguments of queue {task.queue_name!r} cannot be encrypted without a key: set FUNBOOST_SECRET_KEY to "
                "the same secret text wherever they are published and consumed."
            )
        salt = os.urandom(16).hex()
        extra[ENTRY] = {"kid": key.id, "salt": salt}
        cipher, names = _cipher(key, salt), sorted(arguments)
        return {
            name: base64.b64encode(
                cipher.encrypt(_nonce(number), encode({"": arguments[name]}), bound(task, extra, name, *names))
            ).decode()
            for number, name in enumerate(names)
        }

    def decode(self, task: Task, arguments: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
        """The values as they were."""
        about, names = extra.get(ENTRY), sorted(arguments)
        salt = about.get("salt") if type(about) is dict else None
        if type(about) is not dict or type(salt) is not str or not salt.isascii():
            raise BadMessage(reason="it does not say how its arguments are encrypted")
        key = task.keyring.find(about.get("kid"))
        if key is None:
            raise BadMessage(
                reason="its arguments are encrypted with a key that is not known here; set FUNBOOST_SECRET_KEY to the "
                "keys of those who publish"
            )
        cipher, restored = _cipher(key, salt), {}
        for number, name in enumerate(names):
            try:
                data = base64.b64decode(arguments[name], validate=True)
                plain = cipher.decrypt(_nonce(number), data, bound(task, extra, name, *names))
            except (InvalidTag, ValueError, TypeError):
                raise BadMessage(
                    reason=f"the argument {name!r:.100} was not encrypted for this message, or it was changed since"
                ) from None
            restored[name] = decode(plain, len(plain))[""]
        return restored


def _cipher(key: Key, salt: str) -> AESGCM:
    """A key is used for one message only, so that the number of messages is without limit and nonces may be counted."""
    return AESGCM(hmac.new(key.derive("encryption"), salt.encode(), hashlib.sha256).digest())


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")
