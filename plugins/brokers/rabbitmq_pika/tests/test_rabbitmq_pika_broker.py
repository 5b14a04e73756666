"""What befalls it: settings that never work, cuts, restarts, alarms, heartbeats, every concurrency mode."""

from __future__ import annotations

import gc
import sys

import pytest
from funboost_broker_rabbitmq_pika import wire as wires
from funboost_rabbitmq.address import Address
from missing_library import told_without
from rabbit_stories import RabbitStories

pytestmark = pytest.mark.server


class TestStoriesByPika(RabbitStories):
    kind = "RABBITMQ_PIKA"

    def delete(self, broker, queue):
        broker._asked(lambda wire: wire._answer(wire._channel.queue_delete, queue=queue))

    def consumers(self, broker, queue):
        ask = lambda wire: wire._answer(wire._channel.queue_declare, queue=queue, passive=True)  # noqa: E731
        return broker._asked(ask).method.consumer_count


@pytest.mark.lasting
@pytest.mark.skipif(sys.platform == "win32", reason="freezes a server")
def test_a_server_that_does_not_answer_the_end_is_left_with_no_socket_open(own_rabbitmq, monkeypatch):
    """An open one would be a warning, which fails the test, when nobody knows the connection any more."""
    monkeypatch.setattr(wires, "CLOSING", 0.2)
    wire = wires.PikaWire(Address(own_rabbitmq.url, "RABBITMQ_URL"), "q")
    assert wire.ask(lambda: "it stands") == "it stands"
    own_rabbitmq.freeze()
    try:
        wire.close()
        wire._thread.join(30)
    finally:
        own_rabbitmq.thaw()
    assert not wire._thread.is_alive()
    assert wire._connection.is_closed
    assert not wire._loop.watched
    del wire
    gc.collect()


def test_a_missing_library_is_one_clear_error(tmp_path):
    told = told_without("pika", "RABBITMQ_PIKA", tmp_path, RABBITMQ_URL="amqp://u:s3cret@127.0.0.1:1")
    assert "pika" in told
    assert "pip install funboost-broker-rabbitmq-pika" in told
    assert "s3cret" not in told
