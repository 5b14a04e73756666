"""One connection to an MQTT server: paho's client, served by a thread of ours, asked and answered."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any

from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from funboost_core.errors import FunboostError
from funboost_core.native import Condition, Thread, current_thread

from .address import Address
from .errors import MqttUnavailable, refused, untrusted
from .unpatched import client as paho
from .unpatched import ssl

if TYPE_CHECKING:
    from paho.mqtt.client import Client, MQTTMessage

CONNECT = 5.0
"""Seconds in which a connection must stand, and a request other than publishing must be answered."""
KEEPALIVE = 20
"""Seconds of silence after which the connection is tried; it is given up after as long again."""
UNHEARD = 0x10
"""The server's answer when nobody has subscribed to what is published."""
UNCONFIRMED = 60_000
"""Most messages that all threads together wait for: the client gives a number of 16 bits anew although it still waits for
its answer, and forgets what it has not sent yet."""


class Link:
    """A connection that any thread may use.  When it has ended, `error` says why and every call raises that.

    `on_message` is called on the connection's own thread; it must not wait.

    Raises:
        ConfigError: the server refuses us for good.
        MqttUnavailable: it cannot be reached.
    """

    def __init__(
        self,
        address: Address,
        client_id: str,
        on_message: Callable[[Link, MQTTMessage], None] | None = None,
        *,
        clean: bool = True,
        expiry: int = 0,
        receive_maximum: int = 0,
    ) -> None:
        self._address = address
        self._changed = Condition()
        self._answers: dict[int | None, list[ReasonCode]] = {}
        self._awaited: set[int | None] = set()
        self._room = Condition()
        self._unconfirmed = 0
        self.error: FunboostError | None = None
        self.resumed: bool | None = None
        """Whether the server still had the session."""
        self._pid = os.getpid()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id, protocol=paho.MQTTv5, reconnect_on_failure=False, manual_ack=True
        )
        self._bind(self._client, on_message)
        address.prepare(self._client)
        properties = _properties(
            PacketTypes.CONNECT, SessionExpiryInterval=expiry or None, ReceiveMaximum=receive_maximum or None
        )
        self._thread = Thread(target=self._serve, args=(clean, properties), name="funboost-mqtt", daemon=True)
        self._thread.start()
        try:
            self._wait(lambda: self.resumed is not None, 2 * CONNECT, "the server does not answer")
        except BaseException:
            self.close()
            raise

    # -- asking ---------------------------------------------------------------------------------------------------------

    def publish(self, topic: str, bodies: Sequence[Any], seconds: float, correlation: bytes | None = None) -> list[Any]:
        """Publish with QoS 1 and wait until the server has confirmed all; those to which nobody listens.

        Raises:
            ConfigError: the server refuses one.
            MqttUnavailable: it has not confirmed them within `seconds`.
        """
        with self._room:
            while self._unconfirmed + len(bodies) > UNCONFIRMED:
                self._room.wait()
            self._unconfirmed += len(bodies)
        try:
            codes = self._publish(topic, bodies, seconds, correlation)
        finally:
            with self._room:
                self._unconfirmed -= len(bodies)
                self._room.notify_all()
        for code in codes:
            if code.is_failure:
                raise refused(f"publishing to {topic!r}", code, self._address)
        return [body for body, code in zip(bodies, reversed(codes)) if code.value == UNHEARD]

    def _publish(
        self, topic: str, bodies: Sequence[Any], seconds: float, correlation: bytes | None
    ) -> list[ReasonCode]:
        """The server's answers, the last one first."""
        self.check()
        publish = self._client.publish
        properties = None if correlation is None else _properties(PacketTypes.PUBLISH, CorrelationData=correlation)
        mids = [publish(topic, body, 1, properties=properties).mid for body in bodies]
        return [self._answer(mid, seconds, "publishing was not confirmed")[0] for mid in reversed(mids)]

    def subscribe(self, topic: str) -> None:
        """Subscribe with QoS 1."""
        self.check()
        (code,) = self._answer(self._client.subscribe(topic, 1)[1], CONNECT, "subscribing was not answered")
        if code.is_failure:
            raise refused(f"the subscription {topic!r}", code, self._address)

    def unsubscribe(self, topic: str) -> None:
        """No new message comes; what waits at the server for a place among the unacknowledged ones still does."""
        self.check()
        self._answer(self._client.unsubscribe(topic)[1], CONNECT, "unsubscribing was not answered")

    def ack(self, mid: int) -> None:
        """Make room for another message; 0 is none.  Without effect on a connection that has ended."""
        if mid:
            self._client.ack(mid, 1)

    def check(self) -> None:
        """Raise what has ended the connection."""
        if self.error is not None:
            raise self.error

    def usable(self) -> bool:
        """Whether it stands, and is this process's own: a fork has no thread that serves it."""
        return self.error is None and self._pid == os.getpid()

    def close(self, forget: bool = False) -> None:
        """Disconnect; with `forget` the server's memory of the session ends too."""
        with suppress(OSError, ValueError):
            self._client.disconnect(
                properties=_properties(PacketTypes.DISCONNECT, SessionExpiryInterval=0) if forget else None
            )
        if self._thread is not current_thread() and self._pid == os.getpid():
            self._thread.join(CONNECT)
        self._ended(MqttUnavailable(server=self._address, error="the connection is closed"))

    # -- being answered: on the connection's thread ------------------------------------------------------------------------

    def _bind(self, client: Client, on_message: Callable[[Link, MQTTMessage], None] | None) -> None:
        def connected(_: Any, __: Any, flags: Any, code: ReasonCode, ___: Any) -> None:
            if code.is_failure:
                self._ended(refused("the connection", code, self._address))
                return
            with self._changed:
                self.resumed = bool(flags.session_present)
                self._changed.notify_all()

        def answered(_: Any, __: Any, mid: int, codes: Any, ___: Any) -> None:
            self._answers[mid] = codes if isinstance(codes, list) else [codes]
            if mid in self._awaited:  # of a batch only the last: waking for each takes half of the time
                with self._changed:
                    self._changed.notify_all()

        def disconnected(_: Any, __: Any, ___: Any, code: ReasonCode, ____: Any) -> None:
            self._ended(refused("the connection", code, self._address))

        client.on_connect = connected
        client.on_publish = client.on_subscribe = client.on_unsubscribe = answered
        client.on_disconnect = disconnected
        if on_message is not None:
            client.on_message = lambda _, __, message: on_message(self, message)

    def _serve(self, clean: bool, properties: Properties) -> None:
        """Connect, and serve the connection to its end."""
        why: object = "the connection has ended"
        error: FunboostError | None = None
        try:
            self._client.connect_timeout = CONNECT
            self._client.connect(
                self._address.host, self._address.port, KEEPALIVE, clean_start=clean, properties=properties
            )
            self._client.loop_forever()
        except ssl.SSLCertVerificationError as raised:
            error = untrusted(raised.verify_message, self._address)
        except Exception as raised:  # of a callback, or of the client
            why = str(raised) or type(raised).__name__
        self._ended(error or MqttUnavailable(server=self._address, error=why))

    def _ended(self, error: FunboostError) -> None:
        with self._changed:
            if self.error is None:
                self.error = error
            self._changed.notify_all()

    def _answer(self, mid: int | None, seconds: float, failure: str) -> list[ReasonCode]:
        if mid not in self._answers:
            self._awaited.add(mid)
            try:
                self._wait(lambda: mid in self._answers, seconds, failure)
            finally:
                self._awaited.discard(mid)
        return self._answers.pop(mid)

    def _wait(self, done: Callable[[], bool], seconds: float, failure: str) -> None:
        end = monotonic() + seconds
        with self._changed:
            while not done():
                if self.error is not None:
                    raise self.error
                left = end - monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            else:
                return
        self._ended(MqttUnavailable(server=self._address, error=f"{failure} within {seconds:g} s"))
        self.close()
        self.check()


def _properties(packet: int, **values: Any) -> Properties:
    make: Any = Properties  # which has no types
    properties: Properties = make(packet)
    for name, value in values.items():
        if value is not None:
            setattr(properties, name, value)
    return properties
