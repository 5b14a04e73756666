"""REDIS_STREAM keeps the contract on a real server."""

from __future__ import annotations

import pytest
from redis_suite import OnCluster, OnRedis, OnValkey

pytestmark = pytest.mark.server


class TestRedisStream(OnRedis):
    kind = "REDIS_STREAM"


@pytest.mark.slow
class TestRedisStreamOnValkey(OnValkey, TestRedisStream):
    pass


@pytest.mark.slow
class TestRedisStreamOnCluster(OnCluster, TestRedisStream):
    pass
