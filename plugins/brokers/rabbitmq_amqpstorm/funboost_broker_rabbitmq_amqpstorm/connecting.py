"""The library's connection: it leaves no socket open, waits for no server for ever, and says why it has ended."""

from __future__ import annotations

import socket
from time import monotonic
from typing import TYPE_CHECKING, Any

from amqpstorm.channel0 import Channel0
from amqpstorm.compatibility import try_utf8_decode
from amqpstorm.connection import Connection as LibraryConnection
from amqpstorm.exception import AMQPConnectionError
from amqpstorm.io import IO

if TYPE_CHECKING:
    from funboost_core.native import Event

LOOK = 0.25
"""Seconds between two looks at whether the connection stands."""


class _IO(IO):
    """The library's own leaves a socket open that could not be connected, keeps to itself why, and writes for ever."""

    connection: Connection

    def open(self) -> None:
        """See `IO.open`.  The library goes on with a list that its connection has given up just before."""
        self._exceptions = self.connection.exceptions
        super().open()

    def _find_address_and_connect(self, addresses: list[Any]) -> socket.socket:
        failure = OSError("the name of the server has no address")
        for address in addresses:
            its = self._create_socket(socket_family=address[0])
            try:
                its.connect(address[4])
                return its
            except OSError as error:
                its.close()
                failure = error
        raise AMQPConnectionError(str(failure)) from failure

    def write_to_socket(self, frame_data: bytes) -> None:
        """Write it all; a server that takes nothing for as long as a step of connecting may last is given up."""
        with self._wr_lock:
            wire: Any = self.socket
            rest = memoryview(frame_data)
            try:
                if wire is None:
                    raise OSError("it is closed")
                while rest:
                    rest = rest[wire.send(rest) :]
            except socket.timeout:
                seconds = self._parameters["timeout"]
                self._exceptions.append(AMQPConnectionError(f"it has taken nothing for {seconds:g} s"))
            except OSError as error:
                self._exceptions.append(AMQPConnectionError(str(error)))


class _Channel0(Channel0):
    def _close_connection(self, frame_in: Any) -> None:
        """The library's own says that it is closed, and only then why: whoever looks in between does not learn it."""
        text = try_utf8_decode(frame_in.reply_text)
        self._connection.exceptions.append(AMQPConnectionError(text, reply_code=frame_in.reply_code))
        super()._close_connection(frame_in)


class Connection(LibraryConnection):
    """One that is connected when it is told to."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options, lazy=True)
        self._io = _IO(self.parameters, on_read_impl=self._read_buffer)
        self._io.connection = self
        self._channel0 = _Channel0(self, self.parameters["client_properties"])


def watch(connection: Connection, ready: Event, seconds: float) -> None:
    """Tell the library, which would wait for half a minute, when the server is mute for so long."""
    end = monotonic() + seconds
    while not ready.wait(LOOK):
        if monotonic() > end:
            connection.exceptions.append(AMQPConnectionError(f"connecting was not answered within {seconds:g} s"))
            return
