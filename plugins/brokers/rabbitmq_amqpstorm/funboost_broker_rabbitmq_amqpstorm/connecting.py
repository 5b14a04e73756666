"""The library's connection: it leaves no socket open, and is told when the server ends it."""

from __future__ import annotations

import socket
from _socket import socket as PlainSocket
from time import monotonic
from typing import TYPE_CHECKING, Any

from amqpstorm.connection import Connection as LibraryConnection
from amqpstorm.exception import AMQPConnectionError
from amqpstorm.io import IO

if TYPE_CHECKING:
    from funboost_core.native import Event

LOOK = 0.25
"""Seconds between two looks at whether the connection stands."""
OVER = "the server has closed the connection"
_DONT_WAIT = getattr(socket, "MSG_DONTWAIT", 0)
"""Sockets with a time limit do not wait in the system; Windows has no further word for it."""


class _IO(IO):
    """The library's own leaves a socket open that could not be connected, and keeps to itself why."""

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


class Connection(LibraryConnection):
    """One that is connected when it is told to."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options, lazy=True)
        self._io = _IO(self.parameters, exceptions=self._exceptions, on_read_impl=self._read_buffer)


def is_over(connection: Connection) -> bool:
    """Whether the server has closed it, which the library does not see before a heartbeat is missing."""
    wire: Any = connection.socket
    if wire is None or connection.parameters["ssl"]:
        return False
    try:  # not by the socket itself: under monkey patching a second one that reads it is an error, or waits
        plain = PlainSocket(fileno=wire.fileno())
    except ValueError:  # the library has closed it
        return False
    except OSError:
        return True
    try:
        return plain.recv(1, socket.MSG_PEEK | _DONT_WAIT) == b""
    except (BlockingIOError, InterruptedError):
        return False
    except OSError:
        return True
    finally:
        plain.detach()


def watch(connection: Connection, ready: Event, seconds: float) -> None:
    """Tell the library, which would wait for half a minute, when the server ends what is being made, or is mute so long."""
    end = monotonic() + seconds
    while not ready.wait(LOOK):
        if is_over(connection):
            connection.exceptions.append(AMQPConnectionError(OVER))
            return
        if monotonic() > end:
            connection.exceptions.append(AMQPConnectionError(f"connecting was not answered within {seconds:g} s"))
            return
