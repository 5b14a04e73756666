"""A wait at the server that another thread can end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from funboost_core.errors import FunboostError
from funboost_core.native import Lock, sleep

from ..link import Link
from ..server import Server

NAP = 0.001
"""Seconds between two attempts to end a wait that is just beginning."""


class Waiter:
    """Of one consumer; one thread waits at a time."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._lock = Lock()
        self._blocked: int | None = None  # the connection that waits, or is about to
        self._woken = False

    @contextmanager
    def waiting(self, link: Link) -> Iterator[bool]:
        """Within this, `link` may block; False when `wake` was called already."""
        number = link.number()
        with self._lock:
            self._blocked = number
            allowed = not self._woken
        try:
            yield allowed
        finally:
            self._blocked = None

    def roused(self) -> bool:
        """Whether `wake` was called since the last time that this was asked."""
        with self._lock:
            woken, self._woken = self._woken, False
            return woken

    def wake(self) -> None:
        """End a wait, or the next one that would be."""
        with self._lock:
            self._woken = True
        while True:
            number = self._blocked
            if number is None:
                return
            try:
                if self._server.ask("CLIENT", "UNBLOCK", number):
                    return
            except FunboostError:  # it ends with its time
                return
            sleep(NAP)  # the wait has not reached the server yet
