"""The end of a child process, which several threads may see at the same time; and ours, which it must see."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from .native import sleep

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

_LOOKS, _PAUSE = 100, 0.01
_ends: WeakSet[Any] = WeakSet()


def ended(process: BaseProcess, seconds: float | None = None) -> bool:
    """Wait (at most `seconds`) for a child that was started; whether it has ended, so that its exit code is known.

    `multiprocessing` reaps what has ended whenever any thread starts a process or asks for `active_children`.  Until that
    thread has noted the exit code, others find a process that seems to live and has none: they look again.
    """
    from multiprocessing.connection import wait

    process.join(seconds)
    for _ in range(_LOOKS):
        if process.exitcode is not None or not wait([process.sentinel], 0):
            break
        sleep(_PAUSE)
    return process.exitcode is not None


def keep_from_forks(end: Any) -> None:
    """`end` is our end of a child's pipe: with a copy of it in a forked process no child would see that we are gone."""
    _ends.add(end)


def _let_go() -> None:
    """In a forked process, whoever forked it."""
    for end in list(_ends):
        with suppress(OSError):  # its owner may have been closing it
            end.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)
