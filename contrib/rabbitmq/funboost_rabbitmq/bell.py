"""Wakes a thread that waits for sockets, from another thread."""

from __future__ import annotations

import socket

from funboost_core.native import Lock


class Bell:
    """A pair of sockets: what clients have of their own for this uses locks, which monkey patching ties to one thread.

    Made by the thread that waits, for under monkey patching a socket belongs to a thread, too.
    """

    def __init__(self) -> None:
        self._rung = False
        self._closed = False
        self._lock = Lock()  # so that nobody rings with a number of a socket that has gone to somebody else
        self._rope, self._ear = socket.socketpair()

    def ring(self) -> None:
        """Any thread."""
        if not self._rung:
            self._rung = True
            with self._lock:
                if not self._closed:  # else nobody waits any more
                    self._rope.send(b"!")

    def fileno(self) -> int:
        """What becomes readable when it rings."""
        return self._ear.fileno()

    def wait(self, seconds: float) -> bool:
        """Whether it rang within `seconds`; what happens from now on rings again."""
        self._ear.settimeout(max(0.001, seconds))
        try:
            self._ear.recv(4096)
        except (socket.timeout, BlockingIOError):
            return False
        finally:
            self._rung = False
        return True

    def close(self) -> None:
        """Let go of the sockets."""
        with self._lock:
            self._closed = True
            self._rope.close()
        self._ear.close()
