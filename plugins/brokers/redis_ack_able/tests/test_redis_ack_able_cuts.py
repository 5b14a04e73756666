"""Connections that end at every command, and servers that start anew."""

from __future__ import annotations

import time

import pytest
from funboost_testing.services import Proxy
from redis_helpers import bodies, cut_at_every_command, keys, put, waiting

from funboost_core.errors import BrokerUnavailable
from funboost_core.ports.broker import Outgoing

pytestmark = [pytest.mark.server, pytest.mark.lasting]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_cut_at_every_command_nothing_is_lost_and_nothing_comes_twice(make, redis_place, after):
    """The connection ends before the server hears of the n-th packet, or before we hear its answer."""
    cut_at_every_command(make, redis_place, after)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_settling_can_be_repeated_after_a_cut(make, redis_place, after):
    with Proxy(redis_place.url) as proxy:
        broker = make(url=proxy.url)
        other = make("other")
        queue = other.context.queue
        put(broker, b"acked", b"moved", b"late", b"back")
        acked, moved, late, back = broker.fetch(4, 0)
        steps = [
            lambda: broker.ack([acked]),
            lambda: broker.forward(moved, Outgoing(b"moved"), queue),
            lambda: broker.forward(late, Outgoing(b"late", due=time.time() + 0.1), queue),
            lambda: broker.requeue([back]),
        ]
        for step in steps:
            proxy.cut_after(1, after)
            with pytest.raises(BrokerUnavailable):
                step()
            step()
            step()
        assert broker.count() == 1
        assert other.count() == 2
        assert bodies(broker.fetch(10, 0)) == [b"back"]


def test_a_call_that_comes_late_is_refused(make):
    """It was given up: what it would claim nobody would know of."""
    broker = make()
    put(broker, b"a", b"b")
    claims = broker._claims
    late = claims._begin()
    claims._begin()  # in doubt: the call before it is resolved first
    assert broker._server.run(claims.scripts.claim, claims._claim_keys, [late, 10, 0]) == -2
    assert broker.count() == 2


@pytest.mark.parametrize("forget", ["SCRIPT FLUSH", "restart"])
def test_a_server_that_forgot_the_scripts(make, start_redis, forget):
    own = start_redis("--appendonly", "yes", "--appendfsync", "always")
    broker = make(url=own.url)
    fetch = waiting(broker, broker.fetch, 10, 30)
    if forget == "restart":
        own.kill()
        own.start()
        with pytest.raises(BrokerUnavailable):
            fetch.result()
    else:
        broker._server.ask("SCRIPT", "FLUSH")
        put(broker, b"0")
        assert bodies(fetch.result()) == [b"0"]
    put(broker, b"1")
    got = broker.fetch(10, 5)
    assert bodies(got)[-1:] == [b"1"]


def test_after_a_restart_of_the_server_nobody_is_taken_for_dead(make, start_redis, caplog, monkeypatch):
    # One thread plays all three: when it is held up in the turn of one, the others are late through no fault of theirs.
    monkeypatch.setattr("funboost_store_redis.brokers.watch.LEAST", 60.0)
    own = start_redis("--appendonly", "yes", "--appendfsync", "always")
    brokers = [make(url=own.url) for _ in range(3)]
    put(brokers[0], *(b"%d" % i for i in range(9)))
    held = [broker.fetch(3, 0) for broker in brokers]
    own.kill()
    time.sleep(1)  # longer than a beat
    own.start()
    for _ in range(10):
        for broker in brokers:
            try:
                broker.maintain()
            except BrokerUnavailable:
                pass
        time.sleep(0.05)
    for broker, its in zip(brokers, held):
        broker.ack(its)
    assert "is gone" not in caplog.text
    assert brokers[0].count() == 0
    for broker in brokers:
        broker.close()
    assert keys(make(url=own.url, listen=False)) == []


def test_a_server_without_memory_still_lets_messages_be_consumed(make, start_redis):
    own = start_redis("--maxmemory", "3mb")
    broker = make(url=own.url)

    def fill():
        for _ in range(1000):
            put(broker, *[b"x" * 1000] * 100)

    with pytest.raises(BrokerUnavailable, match=r"(?i)memory"):
        fill()
    left, done = broker.count(), ()
    while left:
        done = broker.turn(done, 100)
        assert done
        left -= len(done)
    broker.ack(done)
    put(broker, b"again")
