"""REDIS_ACK_ABLE keeps the contract on a real server."""

from __future__ import annotations

import pytest
from redis_suite import OnCluster, OnRedis, OnValkey

pytestmark = pytest.mark.server


class TestRedisAckAble(OnRedis):
    kind = "REDIS_ACK_ABLE"


class TestRedisAckAbleOnValkey(OnValkey, TestRedisAckAble):
    pass


class TestRedisAckAbleOnCluster(OnCluster, TestRedisAckAble):
    pass
