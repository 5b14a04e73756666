"""The suite of pull brokers on a real Redis server."""

from __future__ import annotations

from funboost_testing.brokers import PullBrokerSuite
from served_suite import Served


class OnRedis(Served, PullBrokerSuite):
    """Subclass it with the kind."""

    place = "redis_place"

    def address(self, url):
        return {"REDIS_URL": url}
