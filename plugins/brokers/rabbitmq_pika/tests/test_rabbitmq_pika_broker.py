"""What befalls it: settings that never work, cuts, restarts, alarms, heartbeats, every concurrency mode."""

from __future__ import annotations

import pytest
from rabbit_stories import RabbitStories

pytestmark = pytest.mark.server


class TestStoriesByPika(RabbitStories):
    kind = "RABBITMQ_PIKA"

    def delete(self, broker, queue):
        broker._asked(lambda wire: wire._answer(wire._channel.queue_delete, queue=queue))
