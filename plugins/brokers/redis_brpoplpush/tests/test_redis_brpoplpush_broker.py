"""The list from the other end."""

from __future__ import annotations

import time

import pytest
from redis_helpers import bodies, brokers, die, keys, put, until

from funboost_core.ports.broker import Outgoing

pytestmark = pytest.mark.server


@pytest.fixture
def make(redis_place):
    with brokers("REDIS_BRPOPLPUSH", redis_place) as make:
        yield make


def test_the_list_is_as_documented(make):
    broker = make()
    put(broker, b"1", b"2")
    server, queue = broker._server, broker.context.queue
    server.ask("LPUSH", queue, "3")
    assert server.ask("LRANGE", queue, 0, -1) == [b"3", b"2", b"1"]
    assert bodies(broker.fetch(2, 0)) == [b"1", b"2"]
    assert bodies(broker.fetch(2, 1)) == [b"3"]


def test_what_comes_back_comes_first(make):
    victim, survivor = make(), make()
    put(survivor, b"1", b"2", b"3", b"4")
    put(survivor, b"late", due=time.time() - 1)
    got = victim.fetch(4, 0)
    assert bodies(got) == [b"late", b"1", b"2", b"3"]
    victim.requeue(got[:2])
    assert bodies(victim.fetch(1, 0)) == [b"late"]
    die(victim)
    until(lambda: (survivor.maintain(), survivor.count())[1] == 5)
    got = survivor.fetch(10, 0)
    assert bodies(got) == [b"2", b"3", b"late", b"1", b"4"]
    survivor.forward(got[0], Outgoing(b"moved"), survivor.context.queue)
    survivor.ack(got[1:])
    got = survivor.fetch(10, 0)
    assert bodies(got) == [b"moved"]
    survivor.ack(got)
    survivor.close()
    left = [key for key in keys(make(listen=False)) if not key.endswith((b":returned", b":graves"))]
    assert left == [], "the two others end by themselves"
