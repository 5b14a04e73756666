"""REDIS_ACK_ABLE keeps the contract on a real server."""

from __future__ import annotations

import pytest
from redis_suite import OnRedis

pytestmark = pytest.mark.server


class TestRedisAckAble(OnRedis):
    kind = "REDIS_ACK_ABLE"
