"""The suite of pull brokers on a real Redis server."""

from __future__ import annotations

import pytest
from funboost_testing.brokers import PullBrokerSuite
from served_suite import Served


class OnRedis(Served, PullBrokerSuite):
    """Subclass it with the kind."""

    place = "redis_place"

    def address(self, url):
        return {"REDIS_URL": url}


class OnValkey:
    """Mix it into a suite of a kind: the same on Valkey."""

    place = "valkey_place"


class OnCluster:
    """Mix it into a suite of a kind: the same on a cluster of three nodes."""

    place = "redis_cluster_place"

    @pytest.fixture
    def proxy(self, redis_cluster):
        return redis_cluster
