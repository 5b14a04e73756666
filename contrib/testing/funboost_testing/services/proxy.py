"""A wire between client and server that a test can cut, anywhere."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from funboost_core.native import Event, Lock, Thread

if TYPE_CHECKING:
    from typing_extensions import Self


class Proxy:
    """Passes TCP connections on to the server of `url`; `url` of the proxy itself is the same with another port.

    `cut` ends all connections now.  `cut_after(n)` ends the connection on which the n-th packet from now comes, before
    it is passed on, or, with ``after=True``, once it has been passed on and before its answer is: what a client must
    survive at each of its commands.  With ``refuse`` nobody gets through.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname
        assert parts.port
        self._target = (parts.hostname, parts.port)
        self._lock = Lock()
        self._sockets: set[socket.socket] = set()
        self._left = 0
        self._after = False
        self._refusing = Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        credentials = parts.netloc.rpartition("@")[0]
        netloc = f"{credentials}@127.0.0.1:{port}" if credentials else f"127.0.0.1:{port}"
        self.url = urlunsplit(parts._replace(netloc=netloc))
        self.packets = 0
        """Packets that clients have sent so far."""
        self.cuts = 0
        """Connections that were cut by `cut_after`."""
        Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def cut_after(self, packets: int, after: bool = False) -> None:
        """Cut at the `packets`-th packet from now; 0: do not."""
        with self._lock:
            self._left, self._after = packets, after

    def cut(self) -> None:
        """End all connections now."""
        with self._lock:
            sockets = list(self._sockets)
        for one in sockets:
            _end(one)

    @contextlib.contextmanager
    def refuse(self) -> Iterator[None]:
        """A time in which the server cannot be reached."""
        self._refusing.set()
        self.cut()
        try:
            yield
        finally:
            self._refusing.clear()

    def close(self) -> None:
        """End everything."""
        self._refusing.set()
        _end(self._listener)
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._refusing.is_set():
                client.close()
                continue
            try:
                server = socket.create_connection(self._target)
            except OSError:
                client.close()
                continue
            with self._lock:
                refused = self._refusing.is_set()  # by now: `cut` knows only those that are here
                if not refused:
                    self._sockets |= {client, server}
            if refused:
                _end(client)
                _end(server)
                continue
            for source, target in ((client, server), (server, client)):
                with contextlib.suppress(OSError):  # it was cut already
                    source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                Thread(target=self._pass, args=(source, target, source is client), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, counted: bool) -> None:
        try:
            while True:
                data = source.recv(65536)
                if not data:
                    break
                due = counted and self._due()
                if due and self._after:  # the server gets it, and nobody its answer
                    _end(source)
                    target.sendall(data)
                    target.shutdown(socket.SHUT_WR)
                    return
                if due:
                    break
                target.sendall(data)
        except OSError:
            pass
        with self._lock:
            self._sockets -= {source, target}
        _end(source)
        _end(target)

    def _due(self) -> bool:
        with self._lock:
            self.packets += 1
            if not self._left:
                return False
            self._left -= 1
            self.cuts += not self._left
            return not self._left


def _end(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
