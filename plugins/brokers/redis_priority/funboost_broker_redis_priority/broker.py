"""The broker: a list for each priority."""

from __future__ import annotations

from funboost_store_redis.brokers.lists import AckListBroker
from funboost_store_redis.brokers.names import QueueKeys

from .options import Options


class RedisPriorityBroker(AckListBroker):
    """A queue of several lists; the highest that has messages is taken from."""

    def keys_of(self, queue: str) -> QueueKeys:
        """The keys of a queue; a dead-letter queue has the same number of priorities."""
        options = self.context.options
        assert isinstance(options, Options)
        return QueueKeys(queue, options.x_max_priority or 0)
