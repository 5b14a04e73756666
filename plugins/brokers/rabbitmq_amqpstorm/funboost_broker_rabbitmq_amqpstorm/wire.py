"""A connection by amqpstorm; frames of messages are passed to the wire's thread without the library's polling."""

from __future__ import annotations

import socket
from collections import deque
from typing import Any

from amqpstorm.channel import Channel as LibraryChannel
from amqpstorm.exception import AMQPError
from funboost_rabbitmq.client import Got, Item
from funboost_rabbitmq.errors import Fault, code_of
from funboost_rabbitmq.wire import CONNECT, Wire
from pamqp import body, header

from funboost_core.native import Event, Thread

from .connecting import LOOK, Connection, watch
from .frames import commands

HANDSHAKE = 10.0
"""Seconds of one step of connecting, and for which a server may take nothing of what is written."""
_ROOM = 8
"""Bytes of a frame that are not its content."""


class _AnyName:
    """The library lets fewer characters be in the name of a queue than servers do."""

    def validate(self) -> None:
        """Let it pass; the server will say."""


class _Declare(_AnyName, commands.Queue.Declare): ...


class _Purge(_AnyName, commands.Queue.Purge): ...


class _Consume(_AnyName, commands.Basic.Consume): ...


class Channel(LibraryChannel):
    """Passes on the frames of messages and queues; the library's own waiting does not see that a connection has ended."""

    def __init__(self, wire: AmqpstormWire, number: int, connection: Connection) -> None:
        super().__init__(number, connection, CONNECT)
        self._wire = wire

    def on_frame(self, frame_in: Any) -> None:
        """Called on the library's thread."""
        if frame_in.name in _HANDLERS:
            self._wire.frames.append(frame_in)
            self._wire.bell.ring()
        else:
            super().on_frame(frame_in)
            if frame_in.name == "Channel.Close":
                self._wire.bell.ring()


class AmqpstormWire(Wire):
    """See `Wire`."""

    _connection: Any = None
    _channel: Any = None
    _prefetch = 0
    _numbers = 0
    _begun = False

    def __init__(self, address: Any, queue: str) -> None:
        self.frames: deque[Any] = deque()
        self._out: list[Any] = []
        self._incoming: list[Any] = []  # the frames of a message that is not complete
        self._answers: list[Any] = []
        super().__init__(address, queue)

    def connect(self) -> None:
        """See `Wire.connect`."""
        its = self.address
        ready = Event()
        try:
            self._connection = connection = Connection(
                its.host,
                its.user,
                its.password,
                port=its.port,
                virtual_host=its.vhost,
                heartbeat=its.heartbeat,
                timeout=HANDSHAKE,
                ssl=its.tls,
                ssl_options={"context": its.tls_context, "server_hostname": its.host} if its.tls else None,
                client_properties={"connection_name": f"funboost {self.queue}"},
            )
            Thread(target=watch, args=(connection, ready, CONNECT), daemon=True).start()
            connection.open()
            self.opened = True
            wire: Any = connection.socket
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else 40 ms for each question
            self._channel = channel = Channel(self, 1, connection)
            connection.channels[1] = channel
            channel.open()
            channel.confirm_deliveries()
        except AMQPError as error:
            raise self._fault(error) from error
        finally:
            ready.set()

    def disconnect(self) -> None:
        """See `Wire.disconnect`."""
        connection = self._connection
        if connection is None:
            return
        if self.fault is not None or connection.exceptions:  # the library would wait half a minute for an answer
            connection.set_state(connection.CLOSED)
        connection.close()

    def pump(self, seconds: float) -> None:
        """See `Wire.pump`."""
        if not self.frames:
            self.bell.wait(min(seconds, LOOK))
        try:
            while self.frames:
                frame = self.frames.popleft()
                _HANDLERS[frame.name](self, frame)
            self._channel.check_for_errors()
        except AMQPError as error:
            raise self._fault(error) from error
        self.blocked = "it is short of memory or disk" if self._connection.is_blocked else ""

    def declare(self, queue: str, arguments: dict[str, Any], passive: bool = False) -> int:
        """See `Wire.declare`."""
        frame = _Declare(queue=queue, durable=True, passive=passive, arguments=arguments)
        return int(self._answer(frame).message_count)

    def purge(self, queue: str) -> None:
        """See `Wire.purge`."""
        self._answer(_Purge(queue=queue))

    def _answer(self, frame: Any) -> Any:
        self._answers.clear()
        self._out.append(frame)
        self.flush()
        self.expect(lambda: self._answers, frame.name)
        return self._answers[0]

    def consume(self, limit: int) -> None:
        """See `Wire.consume`."""
        if limit != self._prefetch:
            self._out.append(commands.Basic.Qos(prefetch_count=limit))
            self._prefetch = limit
        self._numbers += 1
        self._out.append(_Consume(queue=self.queue, consumer_tag=f"funboost-{self._numbers}"))
        self._begun, self.consuming = False, True
        self.flush()
        self.expect(lambda: self._begun, "consuming")  # a channel of RabbitMQ dies of a cancel that overtakes it

    def cancel(self) -> None:
        """See `Wire.cancel`."""
        self._out.append(commands.Basic.Cancel(consumer_tag=f"funboost-{self._numbers}"))
        self.flush()
        self.expect(lambda: not self.consuming, "the end of consuming")

    def send(self, item: Item, queue: str) -> None:
        """See `Wire.send`."""
        size, room = len(item.body), self._connection.max_frame_size - _ROOM
        self._out += [
            commands.Basic.Publish(exchange="", routing_key=queue, mandatory=True),
            header.ContentHeader(body_size=size, properties=item.properties),
            *(body.ContentBody(item.body[start : start + room]) for start in range(0, size, room)),
        ]

    def send_ack(self, number: int, multiple: bool) -> None:
        """See `Wire.send_ack`."""
        self._out.append(commands.Basic.Ack(number, multiple))

    def flush(self) -> None:
        """See `Wire.flush`."""
        out, self._out = self._out, []
        try:
            if out:
                self._channel.write_frames(out)
        except AMQPError as error:
            raise self._fault(error) from error

    # -- frames, on the wire's thread -------------------------------------------------------------------------------

    def _content(self, frame: Any) -> None:
        """A method that carries a message, its header, and parts of its body, in this order."""
        parts = self._incoming
        parts.append(frame)
        if len(parts) < 2:
            return
        method, head = parts[:2]
        contents = [part.value for part in parts[2:]]
        if sum(map(len, contents)) < head.body_size:
            return
        whole = contents[0] if len(contents) == 1 else b"".join(contents)
        self._incoming = []
        if method.name == "Basic.Deliver":
            self.came(Got(method.delivery_tag, method.redelivered, head.properties, whole))
        else:
            self.returned.append(Item(whole, head.properties))

    def _acked(self, frame: Any) -> None:
        self.confirmed(frame.delivery_tag, frame.multiple, True)

    def _nacked(self, frame: Any) -> None:
        self.confirmed(frame.delivery_tag, frame.multiple, False)

    def _stopped(self, frame: Any) -> None:
        self.consuming = self.consuming and frame.consumer_tag != f"funboost-{self._numbers}"

    def _started(self, frame: Any) -> None:
        self._begun = True

    def _ignored(self, frame: Any) -> None:
        """Nobody waits for it."""

    def _answered(self, frame: Any) -> None:
        self._answers.append(frame)

    def _fault(self, error: AMQPError) -> Fault:
        code = getattr(error, "error_code", None) or code_of(error.__cause__)
        return Fault(code, str(error) or type(error).__name__, self.opened)


_HANDLERS: dict[str, Any] = {
    "Basic.Deliver": AmqpstormWire._content,
    "Basic.Return": AmqpstormWire._content,
    "ContentHeader": AmqpstormWire._content,
    "ContentBody": AmqpstormWire._content,
    "Basic.Ack": AmqpstormWire._acked,
    "Basic.Nack": AmqpstormWire._nacked,
    "Basic.Cancel": AmqpstormWire._stopped,
    "Basic.CancelOk": AmqpstormWire._stopped,
    "Basic.ConsumeOk": AmqpstormWire._started,
    "Basic.QosOk": AmqpstormWire._ignored,
    "Queue.DeclareOk": AmqpstormWire._answered,
    "Queue.PurgeOk": AmqpstormWire._answered,
}
