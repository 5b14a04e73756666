"""paho's client over real sockets and real locks, also in a process that gevent or eventlet has patched.

Its connection has a thread of ours, and all threads publish by it.  A green socket serves only the thread that has made
it, and a green lock wakes nobody on another one; eventlet's not even by chance.  So there, and only there, the client
and what it builds on are private copies, which share nothing with what the program's own imports get.
"""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType
from typing import TYPE_CHECKING

from paho.mqtt import client as _client

from funboost_core import native

__all__ = ["client", "ssl"]


def _copy(name: str, *below: ModuleType) -> ModuleType:
    """Module `name` as its file makes it, over `below` instead of what the process has patched."""
    live = sys.modules.get(name)
    before = dict(vars(live)) if live is not None else {}
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.loader is not None
    fresh = importlib.util.module_from_spec(spec)
    replaced = {module.__name__: module for module in (*below, fresh)}
    saved = {other: sys.modules.get(other) for other in replaced}
    sys.modules.update(replaced)
    try:
        spec.loader.exec_module(fresh)
    finally:
        for other, module in saved.items():
            if module is not None:
                sys.modules[other] = module
            else:
                del sys.modules[other]
    if fresh is not live:
        return fresh
    copy = ModuleType(name)  # Python 3.9 hands out a module in C itself, reset: give it back as it was
    vars(copy).update(vars(live))
    vars(live).update(before)
    return copy


if TYPE_CHECKING or not native.patched:
    import ssl

    client = _client
else:
    _select = _copy("select")
    _socket = _copy("socket", _copy("selectors", _select), _select)
    ssl = _copy("ssl", _socket)
    client = _copy("paho.mqtt.client", _socket, _select, ssl)
    client.threading = native  # Lock, RLock, Condition, Thread, current_thread
