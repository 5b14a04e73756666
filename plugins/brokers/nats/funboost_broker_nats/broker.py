"""The broker: a subject with the queue's name."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any

from funboost_core import BrokerUnavailable, Delivery, Outgoing, Overflow, PushBroker
from funboost_core.native import Event, sleep

from .address import address, subject
from .connection import CONNECT_SECONDS, Connection
from .errors import NobodyListens
from .receiving import Receiver
from .sending import Sender

if TYPE_CHECKING:
    from funboost_core.ports.push import Sink

MOST = 1000
"""Messages that are confirmed together."""
AGAIN = 0.02
"""Seconds between two attempts to publish to a subject to which nobody listens."""
LEAVING = 4.0
"""Seconds in which the server must let a consumer go."""


class NatsBroker(PushBroker):
    """Publishes to the subject, and consumes as a member of a queue group of it.

    The server passes on and keeps nothing, so there is no ACK to declare.  What a consumer has received and not started
    waits here, as much as `receive_ahead` allows.
    """

    overflow = Overflow.STOP_READING

    def open(self) -> None:
        """Connect.  A server that is away just now may come; whoever needs it says so."""
        context = self.context
        name = subject(context.queue)
        self._sink: Sink | None = None
        self._arrived = Event()
        self._connection = Connection(address(context.settings), name, self._arrived.set)
        self._sender = Sender(self._connection, name, context.options.publish_timeout)
        self._receiver = Receiver(self._connection, name, context.options, self._arrived)
        try:
            with suppress(BrokerUnavailable):
                self._connection.call(self._connection.client(), CONNECT_SECONDS)
        except BaseException:
            self._connection.close()
            raise

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """Publish; waits until somebody listens, as nothing would be stored.

        Raises:
            NobodyListens: nobody has for `publish_timeout`; those of which it does not speak are published.
        """
        bodies: list[Any] = [message.body for message in messages]
        patience = self.context.options.publish_timeout
        end, heard = monotonic() + patience, False
        while bodies:
            sent = bodies[: MOST if heard else 1]  # one goes ahead, so that they stay in order where nobody listens yet
            unheard = self._sender.send(sent)
            bodies, heard = unheard + bodies[len(sent) :], not unheard
            if len(unheard) < len(sent):
                end = monotonic() + patience
            elif monotonic() > end:
                raise NobodyListens(
                    unheard=len(bodies), total=len(messages), queue=self.context.queue, seconds=patience
                )
            if unheard:
                sleep(AGAIN)

    def run(self, sink: Sink, stop: Event) -> None:
        """The life of one connection: to its end, or until `stop`."""
        self._sink, receiver, waiting = sink, self._receiver, self._receiver.waiting
        try:
            self._connection.call(receiver.join(), 2 * CONNECT_SECONDS)
            while not stop.is_set():
                if not self._connection.alive():
                    raise self._connection.explained("the connection was cut")
                if not waiting:
                    self._arrived.wait(1.0)
                    self._arrived.clear()
                elif sink.wait(1.0) and sink.put(Delivery(waiting[0])):
                    waiting.popleft()
                    receiver.took()
            self._leave()
        except BaseException:
            while waiting and sink.put(Delivery(waiting[0])):  # these are here, wherever the server may be
                waiting.popleft()
            raise

    def wake(self) -> None:
        """End the waiting for messages."""
        self._arrived.set()

    def close(self) -> None:
        """Disconnect; what is here still is left to the next consumer."""
        self._connection.close()
        waiting = self._receiver.waiting
        if self._sink is not None:
            self._sink.leave([Delivery(body) for body in waiting])
        waiting.clear()

    def _leave(self) -> None:
        try:
            self._connection.call(self._receiver.leave(), LEAVING)
        except BrokerUnavailable as error:
            self.context.logger.warning(
                "%s: what the server was sending when this consumer stopped is lost: %s", self.context.queue, error
            )
