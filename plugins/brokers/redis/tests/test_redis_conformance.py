"""REDIS keeps the contract on a real server."""

from __future__ import annotations

import pytest
from redis_suite import OnCluster, OnRedis, OnValkey

pytestmark = pytest.mark.server


class TestRedisList(OnRedis):
    kind = "REDIS"


@pytest.mark.slow
class TestRedisListOnValkey(OnValkey, TestRedisList):
    pass


@pytest.mark.slow
class TestRedisListOnCluster(OnCluster, TestRedisList):
    pass
