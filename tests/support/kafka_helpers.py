"""What the tests of Kafka brokers do again and again."""

from __future__ import annotations

import time

from confluent_kafka import Consumer, TopicPartition

from funboost_core import Outgoing

PATIENCE = 30.0


def put(broker, *numbers):
    broker.publish([Outgoing(b"%d" % number) for number in numbers])


def take(broker, count, limit=100):
    got, end = [], time.monotonic() + PATIENCE
    while len(got) < count and time.monotonic() < end:
        got += broker.fetch(min(limit, count - len(got)), 0.1)
    assert len(got) == count, f"{len(got)} of {count}"
    return got


def numbers(deliveries):
    return [int(delivery.body) for delivery in deliveries]


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def committed(broker):
    """Position and metadata, by a client of its own."""
    client = Consumer({"bootstrap.servers": broker._servers, "group.id": broker._options.group_id})
    try:
        (place,) = client.committed([TopicPartition(broker._topic, 0)], timeout=PATIENCE)
        return place.offset, place.metadata
    finally:
        client.close()
