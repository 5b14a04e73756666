"""The end of a child process, which several threads may see at the same time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .native import sleep

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

_LOOKS, _PAUSE = 100, 0.01


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
