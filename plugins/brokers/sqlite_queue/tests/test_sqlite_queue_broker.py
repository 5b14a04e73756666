"""What each method does, in one process."""

from __future__ import annotations

import os

import pytest
from funboost_broker_sqlite_queue import plugin
from funboost_broker_sqlite_queue.broker import SqliteBroker
from funboost_broker_sqlite_queue.options import Options
from pydantic import ValidationError

from funboost_core.ports.broker import Outgoing
from funboost_core.ports.capability import Capability
from funboost_core.records import resolve


def put(broker, *bodies, **fields):
    broker.publish([Outgoing(body, **fields) for body in bodies])


def bodies(deliveries):
    return [delivery.body for delivery in deliveries]


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"a\0b", b"\xff\xfe\x80", "ü€".encode(), os.urandom(300_000)],
    ids=["empty", "json", "zero", "no text", "utf-8", "large"],
)
def test_bodies_come_back_exactly(make, body):
    broker = make()
    put(broker, body)
    (got,) = broker.fetch(10, 0)
    assert type(got.body) is bytes
    assert got.body == body
    assert got.attempts == 1


def test_first_in_first_out_in_batches(make):
    broker = make(pull_msg_batch_size=3)
    put(broker, *(b"%d" % i for i in range(5)))
    put(broker, b"5")
    assert broker.count() == 6
    first = broker.fetch(2, 0)
    assert bodies(first) == [b"0", b"1"]
    assert broker.count() == 4
    second = broker.turn(first, 100)
    assert bodies(second) == [b"2", b"3", b"4"], "the option bounds a fetch"
    assert bodies(broker.turn(second, 100)) == [b"5"]
    assert broker.fetch(1, 0) == []
    assert broker.count() == 0


@pytest.mark.parametrize(
    "wrong", [{"pull_msg_batch_size": 0}, {"pull_msg_batch_size": 1001}, {"synchronous": "OFF"}, {"batch": 1}]
)
def test_wrong_options_are_refused(wrong):
    with pytest.raises(ValidationError):
        Options(**wrong)


def test_the_plugin_declares_what_is_here():
    (spec,) = plugin.funboost_brokers()
    assert spec.kind == "SQLITE_QUEUE"
    assert resolve(spec.factory) is SqliteBroker
    assert resolve(spec.options) is Options
    assert Capability.RECOVER | Capability.SECOND_QUEUE in spec.capabilities
    assert Capability.CROSS_HOST not in spec.capabilities


def test_options_default():
    assert Options() == Options(pull_msg_batch_size=100, synchronous="NORMAL")


def test_higher_priority_first_and_lower_than_none_last(make):
    broker = make()
    put(broker, b"low", priority=-1)
    put(broker, b"plain")
    put(broker, b"high1", b"high2", priority=5)
    put(broker, b"higher", priority=9)
    assert broker.count() == 5
    assert bodies(broker.fetch(2, 0)) == [b"higher", b"high1"]
    rest = broker.fetch(10, 0)
    assert bodies(rest) == [b"high2", b"plain", b"low"]
    broker.ack(rest)
    broker.close()
    again = make()
    assert bodies(again.fetch(10, 0)) == [b"higher", b"high1"]


def test_due_is_the_clocks(make, hand_clock):
    broker = make(clock=hand_clock)
    put(broker, b"later", due=1010.0)
    put(broker, b"past", due=999.0)
    put(broker, b"plain")
    assert broker.count() == 3
    assert bodies(broker.fetch(10, 0)) == [b"past", b"plain"]
    hand_clock.move(9.9)
    assert broker.fetch(10, 0) == []
    hand_clock.move(0.1)
    (got,) = broker.fetch(10, 0)
    assert got.body == b"later"
    assert got.attempts == 1
    broker.ack([got])
    assert broker.count() == 0


def test_purge_leaves_what_is_fetched(make):
    broker = make()
    put(broker, *(b"%d" % i for i in range(10)))
    put(broker, b"prio", priority=1)
    put(broker, b"later", due=9e9)
    held = broker.fetch(4, 0)
    broker.purge()
    assert broker.count() == 0
    assert broker.fetch(10, 0) == []
    put(broker, b"new")
    assert broker.count() == 1
    broker.close()
    assert bodies(make().fetch(10, 0)) == [*bodies(held), b"new"]


def test_count_of_many(make):
    broker = make()
    for start in range(0, 3000, 1000):
        put(broker, *(b"%d" % i for i in range(start, start + 1000)))
    put(broker, *([b"p"] * 50), priority=2)
    put(broker, *([b"d"] * 7), due=9e9)
    got = broker.fetch(100, 0)
    broker.requeue(got[:30])
    assert broker.count() == 3057 - 100 + 30


@pytest.mark.parametrize("name", ["a'b\"c`;--", "../../etc/x", "日本 ü\n\t%s", "x" * 300, "q\0q", "Q", ""])
def test_queue_names_of_any_characters(make, name):
    broker, neighbour = make(name), make(name + "!")
    put(broker, b"x")
    assert neighbour.count() == 0
    assert broker.count() == 1
    assert bodies(broker.fetch(1, 0)) == [b"x"]


def test_names_differ_by_case(make):
    put(make("Q"), b"x")
    assert make("q").count() == 0
