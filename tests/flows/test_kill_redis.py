"""Redis: killed consumers, killed servers, stopped consumers; told briefly here and at length in tests/chaos."""

from __future__ import annotations

import sys

import kill_stories
import pytest
import redis_stories
from kill_log import report
from worlds import BROKERS, TIMED, redis_world

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(sys.platform == "win32", reason="signals"),
]
pytest.importorskip("funboost_store_redis", reason="the Redis plugins are not installed here")
AOF = ("--appendonly", "yes", "--appendfsync", "always")


@pytest.mark.parametrize("kind", BROKERS)
def test_killed_redis_consumers(tmp_path, redis_place, kind):
    if redis_place.namespace:
        pytest.skip("it looks at all keys of a database")
    world = redis_world(redis_place.url, kind)
    report(f"consumers, {kind}", kill_stories.consumers(tmp_path, "threading", 3, world))


@pytest.mark.parametrize("kind", ["REDIS_ACK_ABLE", "REDIS_STREAM"])
def test_a_killed_redis_server(tmp_path, start_redis, kind):
    server = start_redis(*AOF)
    report(f"restarts, {kind}", redis_stories.restarts(tmp_path, redis_world(server.url, kind), server, 3))


@pytest.mark.parametrize("kind", ["REDIS_ACK_ABLE", "REDIS_STREAM"])
def test_a_stopped_redis_consumer(tmp_path, start_redis, kind):
    report(f"frozen, {kind}", redis_stories.frozen(tmp_path, redis_world(start_redis().url, kind), 1))


@pytest.mark.parametrize("kind", TIMED)
def test_killed_redis_consumers_and_a_time_out(tmp_path, start_redis, kind):
    report(f"timed, {kind}", redis_stories.timed(tmp_path, redis_world(start_redis().url, kind), 3))
