"""Locks that free themselves after a while, for tasks that may be ended between `acquire` and `release`."""

from __future__ import annotations

import threading
import time
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ..aliases import LockSpellings

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["ExpireLockConf", "ExpireLockContextManager"]


@dataclass(frozen=True)
class ExpireLockConf:
    """Which lock, and for how long at most.

    Args:
        expire_seconds: after so many seconds somebody else may have it, whether it was released or not.
        lock_key: configurations with the same key mean the same lock of this process; None = one of its own.
    """

    expire_seconds: float = 30
    lock_key: Any = None
    _slot: _Slot = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        key = uuid4().hex if self.lock_key is None else self.lock_key
        with _guard:
            slot = _slots.get(key)
            if slot is None:
                slot = _slots[key] = _Slot()
        object.__setattr__(self, "_slot", slot)


class _Slot:
    """Who has a lock, and until when."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.holder: int | None = None
        self.until = 0.0


_slots: weakref.WeakValueDictionary[Any, _Slot] = weakref.WeakValueDictionary()
_guard = threading.Lock()


class ExpireLockContextManager(LockSpellings):
    """The lock of a configuration; one object may be used by any number of threads.

    Example::

        lock = ExpireLockContextManager(ExpireLockConf(expire_seconds=10, lock_key="printer"))

        def print_page(page):
            with lock:
                ...
    """

    def __init__(self, conf: ExpireLockConf) -> None:
        self.conf = conf
        self._slot = conf._slot

    def acquire(self) -> None:
        """Wait until nobody has it, or whoever has it has had it for its `expire_seconds`."""
        slot = self._slot
        with slot.changed:
            while slot.holder is not None and time.monotonic() < slot.until:
                slot.changed.wait(slot.until - time.monotonic())
            slot.holder = threading.get_ident()
            slot.until = time.monotonic() + self.conf.expire_seconds

    def release(self) -> None:
        """Let others have it; nothing happens where it has expired and somebody else has it."""
        slot = self._slot
        with slot.changed:
            if slot.holder == threading.get_ident():
                slot.holder = None
                slot.changed.notify_all()  # a single one might be killed before it takes the lock

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *error: object) -> None:
        self.release()
