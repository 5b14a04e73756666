"""The secret keys of a program: one signs, all verify, so that keys can be changed while messages are on their way."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import ConfigError
from ..message import DEAD_LETTERS
from ..ports.capability import Capability

if TYPE_CHECKING:
    from ..environment import Environment
    from ..task import Task

FILE = "secret_key"
"""Where a key is kept that was made because none is set; in the data folder."""
SHORTEST = 16


class Key(NamedTuple):
    """A secret and the name under which messages speak of it."""

    id: str
    secret: bytes

    def __repr__(self) -> str:
        return f"Key({self.id!r})"

    def derive(self, purpose: str) -> bytes:
        """32 bytes for one purpose, from which neither the secret nor what serves another purpose can be told."""
        return hmac.new(self.secret, f"funboost {purpose}".encode(), hashlib.sha256).digest()


class Keyring:
    """The keys of an environment, read when first used.

    The setting SECRET_KEY has one or several, separated by commas; the first is for new messages.  Without it a key is
    made for programs of this host alone, and kept in the data folder.

    Raises:
        ConfigError: a key is too short to be secret.
    """

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._keys: tuple[Key, ...] | None = None
        self._made: Key | None = None

    def current(self, task: Task) -> Key | None:
        """The key for new messages of `task`; None where its messages leave this host and none is set."""
        keys = self._configured()
        if keys:
            return keys[0]
        return None if Capability.CROSS_HOST in task.capabilities else self._own(make=True)

    def find(self, key_id: object) -> Key | None:
        """The key that a message names."""
        keys = self._configured()
        if not keys:
            own = self._own(make=False)
            keys = () if own is None else (own,)
        return next((key for key in keys if key.id == key_id), None)

    def ids(self) -> list[str]:
        """The names of the keys there are, that of new messages first: they tell nothing of the secrets."""
        own = None if self._configured() else self._own(make=False)
        return [key.id for key in (*self._configured(), *((own,) if own else ()))]

    def _configured(self) -> tuple[Key, ...]:
        if self._keys is None:
            given = self._environment.settings("SECRET_KEY") or ()
            texts = given.split(",") if isinstance(given, str) else given
            self._keys = tuple(_key(text.strip()) for text in texts if text.strip())
        return self._keys

    def _own(self, make: bool) -> Key | None:
        if self._made is not None:
            return self._made
        path = self._environment.data_dir() / FILE
        if make and not path.exists():
            # written first and then given its name, so that no other process sees half of it; of several, one wins
            draft = path.with_name(f"{FILE}.{secrets.token_hex(8)}")
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_hex(32))
            try:
                os.link(draft, path)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        try:
            self._made = _key(path.read_text().strip())
        except FileNotFoundError:
            return None
        return self._made


def bound(task: Task, extra: Mapping[str, Any], *parts: str) -> bytes:
    """The place of something secret or signed, unambiguously: the queue, or the one whose dead letters these are; the
    task's id; and `parts`.  What is bound to it fits nowhere else.
    """
    texts = (task.queue.removesuffix(DEAD_LETTERS), str(extra.get("task_id")), *parts)
    data = [text.encode("utf-8", "surrogatepass") for text in texts]
    return b"".join(len(each).to_bytes(8, "big") + each for each in data)


def _key(text: str) -> Key:
    if len(text) < SHORTEST:
        raise ConfigError(
            f"A key in SECRET_KEY has {len(text)} characters; use at least {SHORTEST}, made for example with "
            "python -c 'import secrets; print(secrets.token_hex(32))'"
        )
    secret = text.encode()
    return Key(hashlib.sha256(b"funboost key id" + secret).hexdigest()[:12], secret)
