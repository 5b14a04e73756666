"""The broker: one list, all of it the family's."""

from __future__ import annotations

from funboost_store_redis.brokers.lists import AckListBroker


class RedisAckAbleBroker(AckListBroker):
    """A queue in a Redis list."""
