"""A connection by pika's asynchronous adapter, whose loop runs on the wire's own thread."""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from time import monotonic
from typing import Any, Callable

import pika
from funboost_rabbitmq.client import Got, Item
from funboost_rabbitmq.errors import NETWORK, Fault, code_of
from funboost_rabbitmq.wire import CLOSING, CONNECT, IDLE, Wire
from pika.adapters.select_connection import IOLoop

_SAID = re.compile(r"\((403|530)\)")
"""What the server said, in the text of an error of connecting; pika itself guesses from when the connection ended."""


class Loop(IOLoop):  # type: ignore[misc]
    """The library's loop; knows what it watches, and is turned by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.watched: set[int] = set()

    def add_handler(self, fd: int, handler: Any, events: int) -> None:
        """Called by the library."""
        self.watched.add(fd)
        super().add_handler(fd, handler, events)

    def remove_handler(self, fd: int) -> None:
        """Called by the library."""
        super().remove_handler(fd)
        self.watched.discard(fd)

    def turn(self, seconds: float) -> None:
        """Do what has to be done; wait for it at most so long."""
        timer = self.call_later(seconds, _nothing)
        self.poll()
        self.process_timeouts()
        self.remove_timeout(timer)

    def turn_until(self, condition: Callable[[], bool]) -> bool:
        """Until it holds, for some seconds; whether it does."""
        end = monotonic() + CLOSING
        while not condition():
            if monotonic() >= end:
                return False
            self.turn(IDLE)
        return True

    def cut(self) -> None:
        """Let the library see an end of what it watches."""
        for fd in self.watched:
            wire = socket.socket(fileno=fd)
            with suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)
            wire.detach()


class PikaWire(Wire):
    """See `Wire`."""

    _loop: Any = None
    _connection: Any = None
    _channel: Any = None
    _prefetch = 0
    _tag = ""

    def connect(self) -> None:
        """See `Wire.connect`."""
        its = self.address
        parameters = pika.ConnectionParameters(
            host=its.host,
            port=its.port,
            virtual_host=its.vhost,
            credentials=pika.PlainCredentials(its.user, its.password),
            heartbeat=its.heartbeat,
            socket_timeout=CONNECT,
            stack_timeout=2 * CONNECT,  # ours is the first to end, and says more
            ssl_options=pika.SSLOptions(its.tls_context, its.host) if its.tls_context else None,
            client_properties={"connection_name": f"funboost {self.queue}"},
        )
        opened: list[Any] = []
        loop = Loop()
        self._connection = connection = pika.SelectConnection(
            parameters,
            on_open_callback=opened.append,
            on_open_error_callback=lambda _, error: self._broke(error),
            on_close_callback=lambda _, error: self._broke(error),
            custom_ioloop=loop,
        )
        self._loop = loop
        loop.activate_poller()
        loop.add_handler(self.bell.fileno(), lambda *_: self.bell.wait(0), loop.READ)
        self.expect(lambda: opened, "connecting")
        self.opened = True
        connection.add_on_connection_blocked_callback(self._block)
        connection.add_on_connection_unblocked_callback(self._unblock)
        self._channel = channel = self._answer(connection.channel, "on_open_callback")
        channel.add_on_close_callback(lambda _, error: self._broke(error))
        channel.add_on_return_callback(
            lambda _channel, _method, properties, body: self.returned.append(Item(body, properties))
        )
        channel.add_on_cancel_callback(self._stopped)
        self._answer(channel.confirm_delivery, ack_nack_callback=self._confirm)

    def disconnect(self) -> None:
        """See `Wire.disconnect`."""
        if self._loop is None:
            return
        loop = self._loop
        try:
            loop.remove_handler(self.bell.fileno())
            self._end(self._connection, loop)
        finally:
            loop.deactivate_poller()
            loop.close()

    def _end(self, connection: Any, loop: Loop) -> None:
        if not (connection.is_closing or connection.is_closed):  # also one that is still being made
            connection.close()
        if not loop.turn_until(lambda: connection.is_closed):
            loop.cut()  # the server does not answer, and the library would leave its socket open
        loop.turn_until(lambda: connection.is_closed and not loop.watched)
        for _ in range(3):  # what lets go of the socket comes afterwards, one step by another
            loop.turn(0)

    def pump(self, seconds: float) -> None:
        """See `Wire.pump`."""
        self._loop.turn(seconds)
        if self.fault is not None:
            raise self.fault

    def declare(self, queue: str, arguments: dict[str, Any], passive: bool = False) -> int:
        """See `Wire.declare`."""
        answer = self._answer(
            self._channel.queue_declare, queue=queue, durable=True, passive=passive, arguments=arguments
        )
        return int(answer.method.message_count)

    def purge(self, queue: str) -> None:
        """See `Wire.purge`."""
        self._answer(self._channel.queue_purge, queue=queue)

    def consume(self, limit: int) -> None:
        """See `Wire.consume`."""
        if limit != self._prefetch:
            self._answer(self._channel.basic_qos, prefetch_count=limit)
            self._prefetch = limit
        self.consuming = True
        with _faults():
            self._tag = self._channel.basic_consume(self.queue, self._message, callback=_nothing)

    def cancel(self) -> None:
        """See `Wire.cancel`.

        pika sends back what comes after a cancel, which would count as a delivery.  So it is told only when nothing is
        on its way: the queue has answered one question after its messages, and the channel another.
        """
        if len(self.inbox) < self._prefetch:
            self.declare(self.queue, {}, passive=True)
            self._answer(self._channel.basic_qos, prefetch_count=self._prefetch)
        with _faults():
            self._channel.basic_cancel(self._tag, callback=self._stopped)
        self.expect(lambda: not self.consuming, "the end of consuming")

    def send(self, item: Item, queue: str) -> None:
        """See `Wire.send`."""
        with _faults():
            self._channel.basic_publish("", queue, item.body, item.properties, mandatory=True)

    def send_ack(self, number: int, multiple: bool) -> None:
        """See `Wire.send_ack`."""
        with _faults():
            self._channel.basic_ack(number, multiple)

    def flush(self) -> None:
        """See `Wire.flush`: the next `pump` writes."""

    # -- callbacks --------------------------------------------------------------------------------------------------

    def _answer(self, method: Callable[..., Any], callback: str = "callback", **arguments: Any) -> Any:
        answers: list[Any] = []
        with _faults():
            method(**arguments, **{callback: answers.append})
        self.expect(lambda: answers, getattr(method, "__name__", "a question"))
        return answers[0]

    def _message(self, _channel: Any, method: Any, properties: Any, body: bytes) -> None:
        self.came(Got(method.delivery_tag, method.redelivered, properties, body))

    def _confirm(self, frame: Any) -> None:
        method = frame.method
        self.confirmed(method.delivery_tag, method.multiple, isinstance(method, pika.spec.Basic.Ack))

    def _stopped(self, frame: Any) -> None:
        self.consuming = self.consuming and frame.method.consumer_tag != self._tag

    def _block(self, _connection: Any, frame: Any) -> None:
        self.blocked = frame.method.reason or "it is short of memory or disk"

    def _unblock(self, _connection: Any, _frame: Any) -> None:
        self.blocked = ""

    def _broke(self, error: BaseException) -> None:
        if self.fault is None:
            said = _SAID.search(str(error))
            cause = _cause(error)
            code = getattr(error, "reply_code", int(said[1]) if said else code_of(cause))
            text = getattr(error, "reply_text", "") or str(error) or str(cause) or type(error).__name__
            self.fault = Fault(code, text, self.opened)


class _faults:  # a context manager, and no generator: it is entered for each message
    """Make a `Fault` of pika's error that the connection has ended: whoever asks then may come a moment too late."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, pika.exceptions.AMQPError):
            raise Fault(NETWORK, str(error) or type(error).__name__) from error


def _cause(error: Any) -> BaseException:
    """What is inside pika's own errors of connecting, which have no text."""
    while True:
        inner = (getattr(error, "exceptions", None) or [None])[-1] or getattr(error, "exception", None)
        if inner is None:
            return error  # type: ignore[no-any-return]
        error = inner


def _nothing(*_: Any) -> None:
    """Only being called is needed."""
