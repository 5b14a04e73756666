"""The broker: a topic with the queue's name."""

from __future__ import annotations

import os
from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any

from funboost_core.errors import BrokerUnavailable
from funboost_core.native import Lock, sleep
from funboost_core.ports.broker import BrokerContext, Outgoing
from funboost_core.ports.push import PushBroker

from .address import Address, checked_topic
from .errors import MqttUnavailable, NobodyListens
from .inbox import Inbox
from .link import Link

if TYPE_CHECKING:
    from paho.mqtt.client import MQTTMessage

    from funboost_core.native import Event
    from funboost_core.ports.push import Sink

WINDOW = 100
"""Most unacknowledged messages that the server may send ahead of credit; many servers have a lower limit of their own."""
EMPTYING = 4.0
"""Seconds in which what waits at the server is fetched when the consumer ends."""
MOST = 10_000
"""Messages that are confirmed together.  The protocol can tell 65535 apart, and each end costs 40 ms where the server
collects small packets (Mosquitto unless `set_tcp_nodelay true`)."""
AGAIN = 0.05
"""Seconds between two attempts to publish to a topic to which nobody listens."""


class MqttBroker(PushBroker):
    """Publishes with QoS 1 to the topic; consumes by a shared subscription.

    A message is acknowledged to the server when it is handed on, not when it has run: the server would send what was not
    acknowledged to the same session only, which ends with its process.  So there is no ACK to declare, and acknowledging
    is flow control: the server keeps what it has no room for in its window.
    """

    def __init__(self, context: BrokerContext) -> None:
        super().__init__(context)
        self._topic = checked_topic(context.queue, "The queue name")
        self._subscription = f"$share/{context.options.share_group}/{context.queue}"
        self._address = Address(context.settings)
        self._lock = Lock()
        self._publishing: Link | None = None
        self._client_id = new_id()
        self._inbox = Inbox()
        self._sink: Sink | None = None
        self._cut = False

    # -- publishing -----------------------------------------------------------------------------------------------------

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """Publish; waits until somebody listens, as nothing would be stored.

        Raises:
            NobodyListens: nobody does within `publish_timeout`.
        """
        bodies: list[Any] = [message.body for message in messages]
        patience = self.context.options.publish_timeout
        end, heard = monotonic() + patience, False
        while bodies:
            count = MOST if heard else 1  # one goes ahead, so that they stay in order where nobody listens yet
            unheard = self._link().publish(self._topic, bodies[:count], patience)
            bodies, heard = unheard + bodies[count:], not unheard
            if unheard:
                if monotonic() > end:
                    raise NobodyListens(queue=self._topic, seconds=patience)
                sleep(AGAIN)

    def _link(self) -> Link:
        link = self._publishing
        if link is None or not link.usable():
            with self._lock:
                link = self._publishing
                if link is None or not link.usable():
                    link = self._publishing = Link(self._address, new_id())
        return link

    # -- consuming ------------------------------------------------------------------------------------------------------

    def run(self, sink: Sink, stop: Event) -> None:
        """The life of one connection: to its end, or until `stop`."""
        self._sink, inbox = sink, self._inbox
        link = self._listening(sink)
        try:
            while not stop.is_set():
                link.check()
                if inbox.wait(1.0) and sink.wait(1.0):
                    link.ack(inbox.hand_on(sink))
            self._empty(link, sink)
        except BaseException:
            self._cut = True
            raise
        finally:
            link.close(forget=stop.is_set())

    def _listening(self, sink: Sink) -> Link:
        """A connection that has subscribed, if possible with the session of the one before."""
        inbox, expiry = self._inbox, self.context.options.session_expiry

        def on_message(link: Link, message: MQTTMessage) -> None:
            link.ack(inbox.receive(message, sink))

        link = Link(self._address, self._client_id, on_message, clean=not expiry, expiry=expiry, receive_maximum=WINDOW)
        if not link.resumed:
            inbox.forget()
            if self._cut:
                self.context.logger.warning(
                    "%s: the server has forgotten this consumer (it has started anew, or the connection was away for "
                    "more than session_expiry=%d s): what had waited there for it is lost",
                    self.context.queue,
                    expiry,
                )
        self._cut = False
        try:
            link.subscribe(self._subscription)
        except BaseException:
            link.close()
            raise
        return link

    def _empty(self, link: Link, sink: Sink) -> None:
        """Fetch what waits at the server for this consumer alone, and leave it to the next one."""
        end = monotonic() + EMPTYING
        try:
            while True:
                link.unsubscribe(self._subscription)  # answered after all that the acknowledgements have made room for
                waiting = self._inbox.take()
                sink.leave([delivery for delivery, _ in waiting])
                for _, mid in waiting:
                    link.ack(mid)
                if not waiting:
                    return
                if monotonic() > end:
                    raise MqttUnavailable(server=self._address, error=f"more than {EMPTYING:g} s were needed")
        except BrokerUnavailable as error:
            self.context.logger.warning(
                "%s: what waited at the server for this consumer could not be fetched and is lost: %s",
                self.context.queue,
                error,
            )

    def wake(self) -> None:
        """End the waiting for messages."""
        self._inbox.wake()

    def maintain(self) -> None:
        """Tell what was dropped."""
        dropped, self._inbox.dropped = self._inbox.dropped, 0
        if dropped:
            self.context.logger.warning(
                "%s: %d messages were dropped: they were sent with QoS 0, for which there is no flow control, and came "
                "faster than they could start. Send with QoS 1.",
                self.context.queue,
                dropped,
            )

    def close(self) -> None:
        """Disconnect; what is here still is left to the next consumer."""
        if self._sink is not None:
            self._sink.leave([delivery for delivery, _ in self._inbox.take()])
        link, self._publishing = self._publishing, None
        if link is not None:
            link.close()


def new_id() -> str:
    """A client id; every server takes 23 characters."""
    return f"funboost{os.urandom(7).hex()}"
