"""The end of the process: no thread may be inside the client when the interpreter takes itself and the client apart.

Threads that the process does not wait for (daemons) would be, and then it ends by a segmentation fault instead.
"""

from __future__ import annotations

import atexit
import weakref
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from funboost_core.native import Lock, get_ident

PATIENCE = 2.0
"""Seconds that a call of the client may take to return."""

_lock = Lock()  # guards all of this:
_gates: weakref.WeakSet[Gate] = weakref.WeakSet()
_registered = False
_leaver = 0  # the thread that ends the process


class Gate:
    """What is passed before each call of the client.  `lock` is held meanwhile by those whose call may take long.

    Raises:
        KafkaException: the process ends, so a client must not be begun.
    """

    def __init__(self, lock: Any) -> None:
        self._lock = lock
        self._leaving = 0  # the thread that ends the process, which may still call
        global _registered
        with _lock:
            if _leaver not in {0, get_ident()}:
                raise closing()
            if not _registered:
                _registered = True
                atexit.register(_leave)
            _gates.add(self)

    @property
    def shut(self) -> bool:
        """Whether this thread must not call the client any more."""
        return self._leaving != 0 and self._leaving != get_ident()

    def leave(self) -> None:
        """Wait for whoever is inside; nobody else gets in."""
        self._leaving = get_ident()
        self._lock.acquire(timeout=PATIENCE)


def closing() -> KafkaException:
    """What whoever does not get in is told."""
    return KafkaException(KafkaError(KafkaError._DESTROY, "the process ends"))


def _leave() -> None:
    global _leaver
    with _lock:
        _leaver = get_ident()
        gates = tuple(_gates)
    for gate in gates:
        gate.leave()
