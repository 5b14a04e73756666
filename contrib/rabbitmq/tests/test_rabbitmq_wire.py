"""A connection that ends, or is late, while other threads use it; without a server."""

from __future__ import annotations

import socket
from threading import Event, get_ident
from time import monotonic
from types import SimpleNamespace

import pytest
from funboost_rabbitmq.address import Address
from funboost_rabbitmq.bell import Bell
from funboost_rabbitmq.client import Got, Item
from funboost_rabbitmq.errors import PublishingBlocked, RabbitUnavailable
from funboost_rabbitmq.wire import Wire
from funboost_testing.calls import Call

WAIT = 30


class DeafWire(Wire):
    """No server; `news` is what the client hears at one `pump` after another."""

    def __init__(self):
        self.news = []
        self.acked = []  # the thread, and the number
        super().__init__(Address("amqp://u:p@127.0.0.1:1", "RABBITMQ_URL"), "q")

    def connect(self):
        pass

    def disconnect(self):
        pass

    def pump(self, seconds):
        if self.news:
            self.news.pop(0)()
        else:
            self.bell.wait(seconds)

    def send(self, item, queue):
        pass

    def send_ack(self, number, multiple):
        self.acked.append((get_ident(), number))

    def flush(self):
        pass

    declare = purge = consume = cancel = None


@pytest.fixture
def wire():
    wire = DeafWire()
    yield wire
    wire.close()


def test_what_is_acknowledged_while_it_ends_is_nothing_that_another_thread_tells_the_server(wire):
    ending, acknowledged = Event(), Event()

    class Slow(dict):
        def clear(self):
            ending.set()
            assert acknowledged.wait(WAIT)
            super().clear()

    wire.open = Slow()
    wire.ask(lambda: wire.came(Got(1, False, None, b"")))
    closing = Call(wire.close)
    assert ending.wait(WAIT)
    wire.settle_soon([1])
    acknowledged.set()
    closing.result()
    assert {thread for thread, _ in wire.acked} <= {wire._thread.ident}


def test_a_late_refusal_is_none_of_what_is_published_meanwhile(wire, monkeypatch):
    """An alarm came when the first message had been sent: its publisher was told so, and the server answers afterwards."""
    passed = 0.0
    monkeypatch.setattr("funboost_rabbitmq.wire.monotonic", lambda: monotonic() + passed)

    def sent_and_blocked():
        nonlocal passed
        wire.blocked = "alarm"
        passed += WAIT

    def both():
        wire.confirmed(1, False, False)
        wire.confirmed(2, False, True)

    def publish(body, heard):
        wire.blocked, wire.news = "", [heard]  # on its own thread, which else might hear it before it publishes
        return wire.publish([Item(body, None)], "q", WAIT)

    with pytest.raises(PublishingBlocked):
        wire.ask(lambda: publish(b"1", sent_and_blocked))
    assert wire.ask(lambda: publish(b"2", both)) == []


def test_where_no_more_files_may_be_open_whoever_asks_is_told(monkeypatch):
    def full(*_):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(socket, "socketpair", full)
    wire = DeafWire()
    with pytest.raises(RabbitUnavailable, match="Too many open files"):
        Call(wire.ask, lambda: None).result()
    assert not wire.usable
    wire.close()


def test_a_bell_is_not_let_go_while_somebody_rings():
    """The number of its socket would be that of another one, and the ringing a byte in a foreign stream."""
    bell, ringing, go_on, order = Bell(), Event(), Event(), []
    rope = bell._rope

    def send(data):
        ringing.set()
        assert go_on.wait(WAIT)
        order.append("sent")
        return rope.send(data)

    def close():
        order.append("closed")
        rope.close()

    bell._rope = SimpleNamespace(send=send, close=close)
    ring = Call(bell.ring)
    assert ringing.wait(WAIT)
    end = Call(bell.close)
    end.running(0.2)
    go_on.set()
    ring.result()
    end.result()
    assert order == ["sent", "closed"]
    bell._rung = False
    bell.ring()  # nobody waits any more
