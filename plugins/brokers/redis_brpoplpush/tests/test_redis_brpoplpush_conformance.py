"""REDIS_BRPOPLPUSH keeps the contract on a real server."""

from __future__ import annotations

import pytest
from redis_suite import OnCluster, OnRedis, OnValkey

pytestmark = pytest.mark.server


class TestRedisBrpoplpush(OnRedis):
    kind = "REDIS_BRPOPLPUSH"


@pytest.mark.slow
class TestRedisBrpoplpushOnValkey(OnValkey, TestRedisBrpoplpush):
    pass


@pytest.mark.slow
class TestRedisBrpoplpushOnCluster(OnCluster, TestRedisBrpoplpush):
    pass
