"""What befalls it: settings that never work, cuts, restarts, alarms, heartbeats, every concurrency mode."""

from __future__ import annotations

import pytest
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


def test_a_missing_library_is_one_clear_error(tmp_path):
    told = told_without("pika", "RABBITMQ_PIKA", tmp_path, RABBITMQ_URL="amqp://u:s3cret@127.0.0.1:1")
    assert "pika" in told
    assert "pip install funboost-broker-rabbitmq-pika" in told
    assert "s3cret" not in told
