"""REDIS_PRIORITY keeps the contract on a real server."""

from __future__ import annotations

import pytest
from redis_suite import OnCluster, OnRedis, OnValkey

pytestmark = pytest.mark.server


class TestRedisPriority(OnRedis):
    kind = "REDIS_PRIORITY"
    options = {"x-max-priority": 5}


@pytest.mark.slow
class TestRedisPriorityOnValkey(OnValkey, TestRedisPriority):
    pass


@pytest.mark.slow
class TestRedisPriorityOnCluster(OnCluster, TestRedisPriority):
    @pytest.fixture
    def server_place(self, redis_cluster_place):
        """Braces in the namespace keep all of its queues, and so all lists of each, on one node."""
        return redis_cluster_place._replace(namespace=f"{{{redis_cluster_place.namespace}}}")
