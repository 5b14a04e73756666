"""The client's administrator with real locks, also in a process that gevent or eventlet has patched.

A thread of librdkafka sets its futures.  Green locks there end the process (eventlet), or wake nobody.  So there, and
only there, the module is a private copy; the program's own imports get what they always got.
"""

from __future__ import annotations

import importlib.util
from concurrent import futures
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from confluent_kafka import admin as _admin

from funboost_core import native

__all__ = ["AdminClient"]


class _Future(futures.Future):  # type: ignore[type-arg]
    def __init__(self) -> None:
        super().__init__()
        self._condition: Any = native.Condition()


if TYPE_CHECKING or not native.patched:
    AdminClient: Any = _admin.AdminClient
else:
    _spec = importlib.util.find_spec(_admin.__name__)
    _copy = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(_copy)
    _copy.concurrent = SimpleNamespace(futures=SimpleNamespace(Future=_Future))
    AdminClient = _copy.AdminClient
