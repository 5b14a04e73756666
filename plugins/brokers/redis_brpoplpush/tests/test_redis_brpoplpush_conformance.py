"""REDIS_BRPOPLPUSH keeps the contract on a real server."""

from __future__ import annotations

import pytest
from redis_suite import OnRedis

pytestmark = pytest.mark.server


class TestRedisBrpoplpush(OnRedis):
    kind = "REDIS_BRPOPLPUSH"
