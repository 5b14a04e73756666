"""Arguments that only pickle can carry, signed: nothing is unpickled that was not written with one of our own keys."""

from __future__ import annotations

import ast
import hashlib
import hmac
import pickle
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import BadMessage, NotSerializable, SecretKeyMissing
from ..message import PICKLED
from .keyring import bound

if TYPE_CHECKING:
    from ..task import Task
    from .keyring import Key

SIGNATURE = "pickle_sig"
"""Entry of an `extra`: ``{"kid": …, "mac": …}``, beside the names of the pickled arguments."""


def pack(task: Task, arguments: Mapping[str, Any], extra: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """`arguments` with those of `names` pickled; `extra` is given the signature.

    Raises:
        NotSerializable: one cannot be pickled.
        SecretKeyMissing: the message would leave this host, and no key is set.
    """
    packed, names = dict(arguments), sorted(names)
    key = task.keyring.current(task)
    for name in names:
        value = packed[name]
        if key is None:
            raise SecretKeyMissing(name=name, queue=task.queue_name, type=type(value).__name__)
        try:
            packed[name] = str(pickle.dumps(value))
        except Exception as error:
            kind = f"{type(value).__name__} ({type(error).__name__}: {error})"
            raise NotSerializable(name=name, queue=task.queue_name, type=kind) from error
    if key is not None:
        extra[PICKLED] = names
        extra[SIGNATURE] = {"kid": key.id, "mac": _mac(key, task, extra, [(name, packed[name]) for name in names])}
    return packed


def restore(task: Task, arguments: dict[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """`arguments` with what is pickled restored, once all of it is known to be ours and made for this message.

    Raises:
        BadMessage: it is not, or it cannot be restored here.
    """
    names, sign = extra[PICKLED], extra.get(SIGNATURE)
    if type(names) is not list or not all(type(each) is str and type(arguments.get(each)) is str for each in names):
        raise BadMessage(reason=f"{PICKLED} does not name arguments that are text")
    if type(sign) is not dict or type(sign.get("mac")) is not str:
        raise BadMessage(reason="it has pickled arguments without a signature; they are not loaded")
    key = task.keyring.find(sign.get("kid"))
    if key is None:
        raise BadMessage(
            reason="its pickled arguments are signed with a key that is not known here; set FUNBOOST_SECRET_KEY to the "
            "keys of those who publish"
        )
    mac = _mac(key, task, extra, [(name, arguments[name]) for name in names])
    if not hmac.compare_digest(mac.encode(), sign["mac"].encode("utf-8", "surrogatepass")):
        raise BadMessage(reason="the signature of its pickled arguments does not fit this message; they are not loaded")
    restored = dict(arguments)
    for name in names:
        try:
            restored[name] = pickle.loads(ast.literal_eval(arguments[name]))  # noqa: S301  verified above
        except Exception as error:
            raise BadMessage(
                reason=f"the pickled argument {name!r} cannot be loaded here: {type(error).__name__}: {error}"
            ) from error
    return restored


def _mac(key: Key, task: Task, extra: Mapping[str, Any], fields: list[tuple[str, str]]) -> str:
    parts = [part for field in fields for part in field]
    return hmac.new(key.derive("pickle"), bound(task, extra, *parts), hashlib.sha256).hexdigest()
