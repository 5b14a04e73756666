"""Honest push brokers on which the suite is tried: one behind a server with every capability, one that is called back,
and listeners on the loopback, one for each overflow rule."""

from __future__ import annotations

import contextlib
import itertools
import selectors
import socket
from collections import deque
from weakref import WeakKeyDictionary

from funboost_broker_memory_queue import plugin
from funboost_broker_memory_queue.broker import MemoryBroker
from funboost_testing.services.base import free_port

from funboost_core import (
    BrokerSpec,
    BrokerUnavailable,
    Capability,
    Delivery,
    Overflow,
    PushBroker,
    hookimpl,
)
from funboost_core.native import Condition, Thread

MEMORY = plugin.funboost_brokers()[0]


class Subscribed(PushBroker):
    """All that MEMORY_QUEUE can, pushed: reads no more than there is credit for."""

    client = MemoryBroker

    def __init__(self, context):
        super().__init__(context)
        self._client = self.client(context)

    def run(self, sink, stop):
        while not stop.is_set():
            credit = sink.wait(1.0)
            if credit:
                for delivery in self._client.fetch(credit, 0.05):
                    self.put(sink, delivery)

    def put(self, sink, delivery):
        if not sink.put(delivery):  # the credit is gone: the consumer has been paused
            self._client.requeue([delivery])

    def wake(self):
        self._client.wake()

    def publish(self, messages):
        self._client.publish(messages)

    def ack(self, deliveries):
        self._client.ack(deliveries)

    def requeue(self, deliveries):
        self._client.requeue(deliveries)

    def forward(self, delivery, message, queue):
        self._client.forward(delivery, message, queue)

    def count(self):
        return self._client.count()

    def purge(self):
        self._client.purge()

    def close(self):
        self._client.close()


# -- a server that calls back ---------------------------------------------------------------------------------------------


class Topic:
    """A topic of a server in this process: gives each message to a subscriber with less than its receive maximum."""

    def __init__(self):
        self.changed = Condition()
        self.waiting = deque()  # (body, attempts)
        self.subscribers = {}  # subscriber -> {tag: (body, attempts)}, in its hands
        self._tags = itertools.count()

    def add(self, *messages):
        with self.changed:
            self.waiting.extend(messages)
            self.changed.notify_all()

    def serve(self, subscriber, maximum, on_message):
        """The network loop of a client library: calls `on_message` until it is unsubscribed."""
        held = self.subscribers.get(subscriber, {})  # none: it has been unsubscribed before this thread began
        while True:
            with self.changed:
                while subscriber in self.subscribers and not (self.waiting and len(held) < maximum):
                    self.changed.wait()
                if subscriber not in self.subscribers:
                    return
                tag, message = next(self._tags), self.waiting.popleft()
                held[tag] = message
            on_message(Delivery(message[0], tag, message[1]))

    def settle(self, subscriber, deliveries, back=False):
        with self.changed:
            held = self.subscribers.get(subscriber, {})
            for delivery in deliveries:
                message = held.pop(delivery.tag, None)
                if message is not None and back:
                    self.waiting.append(message)
            self.changed.notify_all()

    def unsubscribe(self, subscriber):
        with self.changed:
            held = self.subscribers.pop(subscriber, {})
            self.waiting.extendleft((body, attempts + 1) for body, attempts in reversed(held.values()))
            self.changed.notify_all()


_topics: WeakKeyDictionary[object, dict[str, Topic]] = WeakKeyDictionary()


class Called(PushBroker):
    """The client's thread calls `on_message` without asking for credit, up to its receive maximum: we keep the rest."""

    receive_maximum = 20

    def __init__(self, context):
        super().__init__(context)
        self._topic = _topics.setdefault(context.environment, {}).setdefault(context.queue, Topic())

    def run(self, sink, stop):
        self._topic.subscribers[self] = {}
        arrived, changed = deque(), Condition()

        def on_message(delivery):
            with changed:
                self.received(delivery)
                arrived.append(delivery)
                changed.notify_all()

        client = Thread(target=self._topic.serve, args=(self, self.receive_maximum, on_message), daemon=True)
        client.start()
        try:
            while not stop.is_set():
                with changed:
                    if not arrived:
                        changed.wait(0.05)
                if arrived and sink.wait(1.0) and sink.put(arrived[0]):
                    arrived.popleft()
        finally:
            self._topic.unsubscribe(self)
            client.join()
            self.ended(sink, arrived)

    def received(self, delivery): ...

    def ended(self, sink, arrived): ...

    def publish(self, messages):
        self._topic.add(*((message.body, message.attempts + 1) for message in messages))

    def close(self):
        self._topic.unsubscribe(self)


class CalledBack(Called):
    """Its server takes back what was not acknowledged."""

    def ack(self, deliveries):
        self._topic.settle(self, deliveries)

    def requeue(self, deliveries):
        self._topic.settle(self, deliveries, back=True)


class Unstored(Called):
    """Its server forgets what it has sent and keeps nothing for later: publishing waits for who listens, and what is here
    at the end is left to the next consumer."""

    receive_maximum = 10_000
    patience = 20.0

    def received(self, delivery):
        self._topic.settle(self, [delivery])

    def ended(self, sink, arrived):
        sink.leave(arrived)

    def publish(self, messages):
        clock = self.context.clock
        end = clock.monotonic() + self.patience
        while not self._topic.subscribers:
            if clock.monotonic() > end:
                raise BrokerUnavailable(kind=self.context.kind, error="nobody listens")
            clock.sleep(0.01)
        super().publish(messages)
        while self._topic.waiting and clock.monotonic() < end:  # it has been published when it has arrived
            clock.sleep(0.001)


# -- listeners ------------------------------------------------------------------------------------------------------------


_ports: WeakKeyDictionary[object, dict[str, int]] = WeakKeyDictionary()


class Lines(PushBroker):
    """A TCP server that takes a message a line and answers ``ok`` when it has been accepted; reads on when there is credit."""

    patience = 20.0

    def __init__(self, context):
        super().__init__(context)
        self._ports = _ports.setdefault(context.environment, {})

    def run(self, sink, stop):
        with selectors.DefaultSelector() as ready, socket.socket() as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # no port that the system gives away again: who waits for this one to listen would send to somebody else
            port = self._ports.get(self.context.queue) or free_port()
            server.bind(("127.0.0.1", port))
            server.listen()
            self._ports[self.context.queue] = port
            ready.register(server, selectors.EVENT_READ)
            try:
                while not stop.is_set():
                    if self.may_read(sink):
                        for key, _ in ready.select(0.05):
                            self._attend(key.fileobj, server, ready, sink)
            finally:
                for key in list(ready.get_map().values()):
                    key.fileobj.close()

    def may_read(self, sink):
        return sink.wait(1.0)

    def _attend(self, readable, server, ready, sink):
        if readable is server:
            connection, _ = server.accept()
            connection.settimeout(self.patience)
            ready.register(connection, selectors.EVENT_READ)
            return
        with contextlib.suppress(OSError), readable.makefile("rwb") as stream:
            line = stream.readline()
            if line:
                stream.write(self.answer(sink, Delivery(line[:-1])))
                stream.flush()
                return
        ready.unregister(readable)
        readable.close()

    def answer(self, sink, delivery):
        return b"ok\n" if sink.put(delivery) else b"full\n"

    def publish(self, messages):
        clock = self.context.clock
        for message in messages:
            end, answer = clock.monotonic() + self.patience, b"full\n"
            while answer != b"ok\n":
                try:
                    answer = self._send(message.body)
                except OSError as error:
                    answer = repr(error).encode()
                if answer != b"ok\n" and (clock.monotonic() > end or answer == b"busy\n"):
                    raise BrokerUnavailable(kind=self.context.kind, error=answer.decode().strip())
                if answer != b"ok\n":
                    clock.sleep(0.01)  # nobody listens yet

    def _send(self, body):
        port = self._ports.get(self.context.queue)
        if port is None:
            raise ConnectionRefusedError("nobody has listened yet")
        with socket.create_connection(("127.0.0.1", port), timeout=self.patience) as connection:
            connection.sendall(body + b"\n")
            return connection.makefile("rb").readline()


MOMENT = 2.0
"""Seconds without credit after which a message is refused: with a consumer there is some sooner, however busy the machine."""


class Refusing(Lines):
    """Always reads, and answers ``busy`` where there is no credit within a moment, as HTTP servers do with 503."""

    overflow = Overflow.REFUSE

    def may_read(self, sink):
        return True

    def answer(self, sink, delivery):
        sink.wait(MOMENT)
        return b"ok\n" if sink.put(delivery) else b"busy\n"


class Dropping(Refusing):
    """Always reads and always says ``ok``, as one does who sends datagrams."""

    overflow = Overflow.DROP

    def answer(self, sink, delivery):
        super().answer(sink, delivery)
        return b"ok\n"


C = Capability
KINDS = {
    "SUBSCRIBED": (Subscribed, MEMORY.capabilities, MEMORY.options),
    "CALLED_BACK": (CalledBack, C.PUBLISH | C.ACK | C.REQUEUE | C.THREADSAFE_ACK, None),
    "UNSTORED": (Unstored, C.PUBLISH | C.THREADSAFE_ACK, None),
    "LINES": (Lines, C.PUBLISH | C.THREADSAFE_ACK, None),
    "REFUSING": (Refusing, C.PUBLISH | C.THREADSAFE_ACK, None),
    "DROPPING": (Dropping, C.PUBLISH | C.THREADSAFE_ACK, None),
}


@hookimpl
def funboost_brokers():
    return [
        BrokerSpec(kind, factory, capabilities, options, summary=str(factory.__doc__))
        for kind, (factory, capabilities, options) in KINDS.items()
    ]
