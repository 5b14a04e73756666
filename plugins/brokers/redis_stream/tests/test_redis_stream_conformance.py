"""REDIS_STREAM keeps the contract on a real server."""

from __future__ import annotations

import pytest
from redis_suite import OnRedis

pytestmark = pytest.mark.server


class TestRedisStream(OnRedis):
    kind = "REDIS_STREAM"
