"""The broker: all of it is the family's."""

from __future__ import annotations

from funboost_store_redis.brokers.plain import PlainListBroker


class RedisListBroker(PlainListBroker):
    """A queue in a Redis list, each message delivered once at most."""
