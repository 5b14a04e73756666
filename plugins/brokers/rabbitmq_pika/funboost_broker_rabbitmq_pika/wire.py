"""A connection by pika's asynchronous adapter, whose loop runs on the wire's own thread."""

from __future__ import annotations

import re
from time import monotonic
from typing import Any, Callable

import pika
from funboost_rabbitmq.client import Got, Item
from funboost_rabbitmq.errors import NETWORK, Fault, code_of
from funboost_rabbitmq.wire import CLOSING, CONNECT, IDLE, Wire

_SAID = re.compile(r"\((403|530)\)")
"""What the server said, in the text of an error of connecting; pika itself guesses from when the connection ended."""


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
        self._connection = connection = pika.SelectConnection(
            parameters,
            on_open_callback=opened.append,
            on_open_error_callback=lambda _, error: self._broke(error),
            on_close_callback=lambda _, error: self._broke(error),
        )
        self._loop = connection.ioloop
        self._loop.activate_poller()
        self._loop.add_handler(self.bell.fileno(), lambda *_: self.bell.wait(0), self._loop.READ)
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
        try:
            self._end(self._connection, self._loop)
        finally:
            self._loop.remove_handler(self.bell.fileno())
            self._loop.deactivate_poller()
            self._loop.close()

    def _end(self, connection: Any, loop: Any) -> None:
        if not (connection.is_closing or connection.is_closed):  # also one that is still being made
            connection.close()
        end = monotonic() + CLOSING
        while not connection.is_closed and monotonic() < end:
            loop.call_later(IDLE, _nothing)
            loop.poll()
            loop.process_timeouts()
        for _ in range(3):  # what lets go of the socket comes afterwards, one step by another
            loop.call_later(0, _nothing)
            loop.poll()
            loop.process_timeouts()

    def pump(self, seconds: float) -> None:
        """See `Wire.pump`."""
        loop = self._loop
        timer = loop.call_later(seconds, _nothing)
        loop.poll()
        loop.process_timeouts()
        loop.remove_timeout(timer)
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
