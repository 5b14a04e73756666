"""What befalls it: settings that never work, cuts, restarts, alarms, heartbeats, every concurrency mode."""

from __future__ import annotations

import pytest
from rabbit_stories import RabbitStories

pytestmark = pytest.mark.server


class TestStoriesByAmqpstorm(RabbitStories):
    kind = "RABBITMQ_AMQPSTORM"

    def delete(self, broker, queue):
        broker._asked(lambda wire: wire._channel.queue.delete(queue))
