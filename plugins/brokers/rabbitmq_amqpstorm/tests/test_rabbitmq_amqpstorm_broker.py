"""What befalls it: settings that never work, cuts, restarts, alarms, heartbeats, every concurrency mode."""

from __future__ import annotations

import pytest
from funboost_broker_rabbitmq_amqpstorm.frames import commands
from missing_library import told_without
from rabbit_stories import RabbitStories

pytestmark = pytest.mark.server


class TestStoriesByAmqpstorm(RabbitStories):
    kind = "RABBITMQ_AMQPSTORM"

    def delete(self, broker, queue):
        broker._asked(lambda wire: wire._channel.queue.delete(queue))

    def consumers(self, broker, queue):
        question = commands.Queue.Declare(queue=queue, passive=True)
        return broker._asked(lambda wire: wire._answer(question)).consumer_count


def test_a_missing_library_is_one_clear_error(tmp_path):
    told = told_without("amqpstorm", "RABBITMQ_AMQPSTORM", tmp_path, RABBITMQ_URL="amqp://u:s3cret@127.0.0.1:1")
    assert "amqpstorm" in told
    assert "pip install funboost-broker-rabbitmq-amqpstorm" in told
    assert "s3cret" not in told
