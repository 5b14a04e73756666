"""The Redis store keeps the contract on a real server."""

from __future__ import annotations

import pytest
from funboost_store_redis.store import RedisState
from funboost_testing.clock import RealTimeClock
from funboost_testing.stores import StateStoreSuite

from funboost_core.environment import Environment

pytestmark = pytest.mark.server


class TestRedisState(StateStoreSuite):
    kind = "redis"
    unit = 0.6
    tolerance = 0.4

    @pytest.fixture
    def clock(self):
        return RealTimeClock()

    @pytest.fixture
    def make_store(self, redis_place):
        settings = {"NAMESPACE": redis_place.namespace}
        return lambda clock: RedisState(redis_place.url, Environment(settings, clock=clock))
