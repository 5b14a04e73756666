"""Lists by priority: their names, what comes back, and what is cut down."""

from __future__ import annotations

import time

import pytest
from redis_helpers import bodies, brokers, die, keys, long_waits, put, until, waiting

from funboost_core.errors import ConfigError
from funboost_core.ports.broker import Outgoing

pytestmark = pytest.mark.server


@pytest.fixture
def make(redis_place):
    with brokers("REDIS_PRIORITY", redis_place) as make:
        yield lambda *args, **options: make(*args, **{"x-max-priority": 3, **options})


def test_the_lists_are_as_documented(make):
    broker = make()
    server, queue = broker._server, broker.context.queue
    for priority in (0, 1, 2, 3, 9, -1):
        put(broker, b"%d" % priority, priority=priority)
    found = [server.ask("LRANGE", name, 0, -1) for name in (queue, f"{queue}:1", f"{queue}:2", f"{queue}:3")]
    assert found == [[b"0", b"-1"], [b"1"], [b"2"], [b"3", b"9"]], "larger ones count as the highest"
    assert broker.count() == 6
    server.ask("RPUSH", f"{queue}:2", "foreign")
    assert bodies(broker.fetch(10, 0)) == [b"3", b"9", b"2", b"foreign", b"1", b"0", b"-1"]


def test_without_a_number_there_is_one_list(make):
    broker = make("plain", **{"x-max-priority": None})
    put(broker, b"a", b"b", priority=5)
    assert bodies(broker.fetch(10, 0)) == [b"a", b"b"]


@pytest.mark.parametrize("wrong", [0, 256, "many"])
def test_wrong_numbers_are_refused_by_name(make, wrong):
    with pytest.raises(ConfigError, match="x-max-priority"):
        make(**{"x-max-priority": wrong})


def test_a_message_of_any_priority_wakes_who_waits(make, monkeypatch):
    long_waits(monkeypatch)
    broker, other = make(), make()
    for priority in (0, 3):
        fetch = waiting(broker, broker.fetch, 10, 1000)
        put(other, b"x", priority=priority)
        assert bodies(fetch.result()) == [b"x"]


def test_the_dead_give_back_into_the_same_lists(make):
    victim, survivor = make(), make()
    for priority in (0, 1, 2, 3):
        put(survivor, b"%d" % priority, b"%d again" % priority, priority=priority)
    victim.fetch(7, 0)
    die(victim)
    until(lambda: (survivor.maintain(), survivor.count())[1] == 8)
    put(survivor, b"new", priority=2)
    order = [b"3", b"3 again", b"2", b"2 again", b"new", b"1", b"1 again", b"0", b"0 again"]
    got = survivor.fetch(10, 0)
    assert bodies(got) == order
    survivor.requeue(got)
    assert bodies(survivor.fetch(10, 0)) == order


def test_late_ones_keep_their_priority(make):
    broker = make()
    put(broker, b"low", priority=1)
    put(broker, b"late", priority=3, due=time.time() - 1)
    (late,) = broker.fetch(1, 0)
    assert late.body == b"late"
    broker.forward(late, Outgoing(b"again", 2, time.time() - 1), broker.context.queue)
    got = broker.fetch(10, 0)
    assert bodies(got) == [b"again", b"low"]
    broker.ack(got)
    broker.close()
    left = [key for key in keys(make(listen=False)) if not key.endswith((b":bell", b":returned"))]
    assert left == [], "the two others end by themselves"
