"""The plain list: what other programs see, and what is lost."""

from __future__ import annotations

import time

import pytest
from funboost_testing.calls import Call
from redis_helpers import bodies, brokers, keys, long_waits, put

from funboost_core.ports.broker import Outgoing

pytestmark = pytest.mark.server


@pytest.fixture
def make(redis_place):
    with brokers("REDIS", redis_place) as make:
        yield make


def test_the_list_is_as_documented(make):
    broker = make()
    put(broker, b"1", b"2")
    server, queue = broker._server, broker.context.queue
    server.ask("LPUSH", queue, "0")
    server.ask("RPUSH", queue, "3")
    assert server.ask("LRANGE", queue, 0, -1) == [b"0", b"1", b"2", b"3"]
    assert bodies(broker.fetch(3, 0)) == [b"0", b"1", b"2"]
    assert bodies(broker.fetch(3, 0)) == [b"3"]
    assert keys(broker) == []


def test_a_foreign_push_wakes_who_waits(make):
    broker, other = make(), make()
    waiting = Call(broker.fetch, 10, 20)
    time.sleep(0.1)
    other._server.ask("LPUSH", broker.context.queue, "x")
    assert bodies(waiting.result()) == [b"x"]


def test_what_is_fetched_is_gone(make):
    first = make()
    put(first, b"a", b"b")
    first.fetch(1, 0)
    first.close()
    assert bodies(make().fetch(10, 0)) == [b"b"]


def test_messages_fall_due_while_one_waits(make, monkeypatch):
    long_waits(monkeypatch, "funboost_store_redis.brokers.plain")
    broker = make()
    broker.publish([Outgoing(b"far", due=time.time() + 3600), Outgoing(b"now")])
    assert broker.count() == 2
    assert bodies(broker.fetch(10, 0)) == [b"now"]
    broker.purge()
    due = time.time() + 0.3
    broker.publish([Outgoing(b"later", due=due), Outgoing(b"later", due=due)])
    assert broker.count() == 2
    got = Call(broker.fetch, 10, 1000).result()
    assert bodies(got) == [b"later"] * 2
    assert due <= time.time()
    assert keys(broker) == []


def test_batches(make):
    broker = make(pull_msg_batch_size=10)
    put(broker, *(b"%d" % number for number in range(2500)))
    seen = []
    while got := broker.fetch(100, 0):
        assert len(got) <= 10
        seen += bodies(got)
    assert seen == [b"%d" % number for number in range(2500)]


def test_wake(make, monkeypatch):
    long_waits(monkeypatch, "funboost_store_redis.brokers.plain")
    broker = make()
    for _ in range(50):
        waiting = Call(broker.fetch, 1, 1000)
        broker.wake()
        assert waiting.result() == ()
