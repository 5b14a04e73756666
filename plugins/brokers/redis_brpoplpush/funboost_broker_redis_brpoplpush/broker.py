"""The broker: the family's, from the other end of the list."""

from __future__ import annotations

from funboost_store_redis.brokers.lists import AckListBroker
from funboost_store_redis.brokers.scripts import RIGHT


class RedisBrpoplpushBroker(AckListBroker):
    """A queue in a Redis list that is published to the left and taken from the right."""

    scripts = RIGHT
