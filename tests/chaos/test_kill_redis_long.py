"""Redis at length: ``tox -e chaos -- -rP -k redis`` prints the numbers."""

from __future__ import annotations

import sys

import kill_stories
import pytest
import redis_stories
from kill_log import report
from worlds import BROKERS, TIMED, redis_world

pytestmark = [
    pytest.mark.server,
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform == "win32", reason="signals"),
]
pytest.importorskip("funboost_store_redis", reason="the Redis plugins are not installed here")
AOF = ("--appendonly", "yes", "--appendfsync", "always")
pools = pytest.mark.parametrize("pool", ["threading", "single_thread"])
kinds = pytest.mark.parametrize("kind", BROKERS)


@pools
@kinds
def test_two_hundred_killed_redis_consumers(tmp_path, start_redis, kind, pool):
    world = redis_world(start_redis().url, kind)
    report(f"consumers, {kind}, {pool}", kill_stories.consumers(tmp_path, pool, 200, world))


@kinds
def test_a_redis_server_killed_twenty_times(tmp_path, start_redis, kind):
    server = start_redis(*AOF)
    report(f"restarts, {kind}", redis_stories.restarts(tmp_path, redis_world(server.url, kind), server, 20))


@kinds
def test_a_redis_consumer_stopped_ten_times(tmp_path, start_redis, kind):
    report(f"frozen, {kind}", redis_stories.frozen(tmp_path, redis_world(start_redis().url, kind), 10))


@pytest.mark.parametrize("kind", TIMED)
def test_fifty_killed_redis_consumers_and_a_time_out(tmp_path, start_redis, kind):
    report(f"timed, {kind}", redis_stories.timed(tmp_path, redis_world(start_redis().url, kind), 50))
