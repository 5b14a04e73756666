"""REDIS keeps the contract on a real server."""

from __future__ import annotations

import pytest
from redis_suite import OnRedis

pytestmark = pytest.mark.server


class TestRedisList(OnRedis):
    kind = "REDIS"
