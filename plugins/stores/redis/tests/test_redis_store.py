"""The Redis store keeps the contract on a real server."""

from __future__ import annotations

import re
import threading
import time

import pytest
from funboost_store_redis.address import Address
from funboost_store_redis.link import Link
from funboost_store_redis.store import RedisState
from funboost_testing.clock import RealTimeClock
from funboost_testing.stores import StateStoreSuite
from redis_helpers import until

from funboost_core.environment import Environment

pytestmark = pytest.mark.server
MOMENTS = re.compile(rb"funboost:(members-end|flags-end|filter-ends|history-expires|parked-until|schedule):")
"""Keys whose scores, or values, are times of the server."""


class MovedClock(RealTimeClock):
    """Instead of letting time pass it brings nearer what waits for it: in the servers, and in threads that wait.

    So no test depends on how long it takes.
    """

    def __init__(self, urls, namespace):
        self.urls, self.pattern = urls, f"{namespace}*"
        self.passed = 0.0
        self.readers = set()

    def monotonic(self):
        """For those who wait; they read it when they begin to."""
        self.readers.add(threading.current_thread())
        return time.monotonic() + self.passed

    def until_waiting(self, count, timeout=30.0):
        self.readers.discard(threading.current_thread())
        until(lambda: sum(thread.is_alive() for thread in self.readers.copy()) >= count, timeout)

    def advance(self, seconds):
        for url in self.urls:
            link = Link(Address(url, "x"))
            for key in link.ask("KEYS", self.pattern):
                self._bring_nearer(link, key, seconds)
            link.drop()
        self.passed += seconds

    def _bring_nearer(self, link, key, seconds):
        left, kind = link.ask("PTTL", key), link.ask("TYPE", key)
        if MOMENTS.search(key) and kind == b"zset":
            pairs = link.ask("ZRANGE", key, 0, -1, "WITHSCORES")
            for member, score in zip(pairs[::2], pairs[1::2]):
                link.ask("ZADD", key, f"{float(score) - seconds:.6f}", member)
        elif MOMENTS.search(key) and (value := link.ask("GET", key)) is not None:
            link.ask("SET", key, f"{float(value) - seconds:.6f}", "XX", "KEEPTTL")
        if left > 0:
            link.ask("PEXPIRE", key, left - int(seconds * 1000))


class TestRedisState(StateStoreSuite):
    kind = "redis"
    unit = 60.0
    tolerance = 20.0
    place = "redis_place"

    @pytest.fixture
    def servers(self, request):
        return [request.getfixturevalue(self.place).url]

    @pytest.fixture
    def clock(self, request, servers, monkeypatch):
        clock = MovedClock(servers, request.getfixturevalue(self.place).namespace)
        monkeypatch.setattr("funboost_store_redis.replies.monotonic", clock.monotonic)
        monkeypatch.setattr("funboost_store_redis.replies.SLICE", 0.05)  # they look at the clock so often
        return clock

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

    @pytest.fixture
    def servers(self, redis_cluster):
        return [server.url for server in redis_cluster.servers]

    def test_thousands_subscribe_and_each_is_told_its_own(self):
        pytest.skip("it counts threads, and the wires between us and the nodes have some")
