"""REDIS_ACK_TIMEOUT keeps the contract on a real server."""

from __future__ import annotations

import pytest
from redis_suite import OnCluster, OnRedis, OnValkey

pytestmark = pytest.mark.server


class TestRedisAckTimeout(OnRedis):
    kind = "REDIS_ACK_TIMEOUT"
    options = {"ack_timeout": 1000.0}

    def _child(self, what, environment):
        self.options = {"ack_timeout": 6.0}  # what the other process holds is to come back, but not what we do
        return super()._child(what, environment)


@pytest.mark.slow
class TestRedisAckTimeoutOnValkey(OnValkey, TestRedisAckTimeout):
    pass


@pytest.mark.slow
class TestRedisAckTimeoutOnCluster(OnCluster, TestRedisAckTimeout):
    pass
