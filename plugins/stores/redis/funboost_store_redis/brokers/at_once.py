"""Publishing that does not wait for the server: a call returns when its bytes are with the kernel.

The server is told to answer nothing, and asked once in WINDOW messages whether it is still there.  Late answers would
do harm: when a process is killed with answers unread, the kernel resets the connection, and the server throws away what
it has not read yet.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from time import monotonic
from typing import Any

from ..link import Link
from ..server import REST, Server, emptied

WINDOW = 1000
"""Messages, at most, that are sent before the server has said that it got those before them."""


class AtOnce:
    """The silent connections of one broker, one for each thread that publishes at the same time."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._idle: deque[tuple[Link, int]] = deque()

    def send(self, commands: Sequence[tuple[Any, ...]], messages: int) -> None:
        """Send commands that carry so many messages."""
        link, sent = self._borrow()
        sent += messages
        try:
            link.tell_all(commands)
            if sent >= WINDOW:
                self._confirm(link)
                link.tell_all([("CLIENT", "REPLY", "OFF")])
                sent = 0
        except BaseException:
            self.server.forget(link)
            raise
        link.used = monotonic()
        self._idle.append((link, sent))

    def _borrow(self) -> tuple[Link, int]:
        self.server.look()
        while True:
            try:
                link, sent = self._idle.pop()
            except IndexError:
                link = self.server.open()
                link.tell_all([("CLIENT", "REPLY", "OFF")])
                return link, 0
            if not link.outdated and (monotonic() - link.used < REST or not link.stale()):
                return link, sent
            self.server.forget(link)

    def _confirm(self, link: Link) -> None:
        link.ask("CLIENT", "REPLY", "ON")

    def close(self) -> None:
        """Wait until the server has got everything."""
        for link, sent in emptied(self._idle):
            try:
                if sent and not self.server.closed:
                    self._confirm(link)
            finally:
                self.server.forget(link)
