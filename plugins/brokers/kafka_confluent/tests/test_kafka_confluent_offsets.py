"""What is committed when; windows that are full; who does not fetch."""

from __future__ import annotations

import time

import pytest
from confluent_kafka import Producer
from funboost_broker_kafka_confluent import member as members
from kafka_helpers import PATIENCE, committed, numbers, put, take, until
from kafka_suite import QUICK

pytestmark = [pytest.mark.server, pytest.mark.lasting]


def test_only_what_has_no_gap_is_committed_and_the_rest_is_no_first_delivery(make):
    broker = make()
    put(broker, *range(5))
    got = take(broker, 5)
    broker.ack(got[1:])
    until(lambda: (broker.fetch(1, 0), committed(broker))[1] == (0, "5"))
    broker.ack(got[:1])
    until(lambda: (broker.fetch(1, 0), committed(broker))[1] == (5, "5"))


def test_nothing_more_is_handed_out_while_the_window_is_full(make):
    broker = make(max_unacked=10)
    put(broker, *range(30))
    got = take(broker, 10)
    for _ in range(10):
        assert not broker.fetch(100, 0.05), "a crash would repeat more than max_unacked"
    broker.ack(got[1:])
    for _ in range(10):
        assert not broker.fetch(100, 0.05), "the first is not finished"
    broker.ack(got[:1])
    assert numbers(take(broker, 10)) == list(range(10, 20)), "in order, nothing left out"
    assert make(listen=False).count() == 20


def test_a_full_partition_does_not_stop_the_others(make):
    broker = make(num_partitions=2, max_unacked=5)
    foreign = Producer({"bootstrap.servers": broker._servers})

    def produce(partition, *numbers):
        for number in numbers:
            foreign.produce(broker._topic, b"%d" % number, partition=partition)
        foreign.flush(PATIENCE)

    produce(0, *range(20))
    first = take(broker, 5)  # before the other has any: the server promises no order between partitions
    broker.ack(first[1:])
    produce(1, *range(100, 120))
    for number in range(100, 120):
        (got,) = take(broker, 1)
        assert int(got.body) == number
        broker.ack([got])
    broker.ack(first[:1])
    for number in range(5, 20):
        (got,) = take(broker, 1)
        assert int(got.body) == number
        broker.ack([got])


def test_who_does_not_fetch_stays_in_the_group_and_commits(make, monkeypatch):
    """The function runs for longer than max.poll.interval.ms, and all threads are busy."""
    quick = {**QUICK, "max.poll.interval.ms": 6000}
    broker = make(consumer_config=quick)
    put(broker, *range(3))
    got = take(broker, 3)
    broker.ack(got[:1])
    until(lambda: committed(broker)[0] == 1)
    time.sleep(7)  # it is the client's own clock that must not strike
    broker.ack(got[1:])
    until(lambda: committed(broker)[0] == 3)
    assert not broker._member._partitions[0].gone


def test_what_the_keeper_has_received_is_handed_out_in_order_and_it_stops_receiving(make, monkeypatch):
    monkeypatch.setattr(members, "KEEP", 0.01)
    monkeypatch.setattr(members, "HELD", 5)
    broker = make()
    put(broker, 0)
    first = take(broker, 1)  # before there is more: the keeper might have its five by now, and this be one of them
    put(broker, *range(1, 200))
    partition = broker._member._partitions[0]
    until(lambda: partition.paused)
    time.sleep(0.2)
    assert len(partition.waiting) == 5
    assert numbers(first + take(broker, 199)) == list(range(200))
