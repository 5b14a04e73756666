"""What a client library adds to a `Wire`; all of it is called on the wire's thread."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

from .bell import Bell


class Item(NamedTuple):
    """A message to send; `properties` are the client's own."""

    body: bytes
    properties: Any


class Got(NamedTuple):
    """A message that came."""

    number: int
    redelivered: bool
    properties: Any
    body: bytes


class Client(ABC):
    """The primitives.  A `Wire` says what the client has to tell it."""

    consuming: bool = False
    bell: Bell

    @abstractmethod
    def connect(self) -> None:
        """Connect, with a channel in confirm mode; raises `Fault`."""

    @abstractmethod
    def disconnect(self) -> None:
        """Close the connection, whatever is left of it."""

    @abstractmethod
    def pump(self, seconds: float) -> None:
        """Serve the connection until something happens, `bell` rings, or `seconds` have passed; raises `Fault`."""

    @abstractmethod
    def declare(self, queue: str, arguments: dict[str, Any], passive: bool = False) -> int:
        """Declare a durable queue; how many messages wait in it."""

    @abstractmethod
    def purge(self, queue: str) -> None:
        """Remove what waits."""

    @abstractmethod
    def consume(self, limit: int) -> None:
        """Begin to consume with a prefetch of `limit`: `consuming` is True afterwards."""

    @abstractmethod
    def cancel(self) -> None:
        """End consuming; all that was on its way has come when this returns."""

    @abstractmethod
    def send(self, item: Item, queue: str) -> None:
        """Publish with ``mandatory``; need not be written before `flush`."""

    @abstractmethod
    def send_ack(self, number: int, multiple: bool) -> None:
        """Acknowledge; need not be written before `flush`."""

    @abstractmethod
    def flush(self) -> None:
        """Write what was kept back."""
