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
    place = "redis_place"

    @pytest.fixture
    def clock(self):
        return RealTimeClock()

    @pytest.fixture
    def make_store(self, request):
        place = request.getfixturevalue(self.place)
        settings = {"NAMESPACE": place.namespace}
        return lambda clock: RedisState(place.url, Environment(settings, clock=clock))


@pytest.mark.slow
class TestRedisStateOnValkey(TestRedisState):
    place = "valkey_place"


@pytest.mark.slow
class TestRedisStateOnCluster(TestRedisState):
    place = "redis_cluster_place"

    def test_thousands_subscribe_and_each_is_told_its_own(self):
        pytest.skip("it counts threads, and the wires between us and the nodes have some")
