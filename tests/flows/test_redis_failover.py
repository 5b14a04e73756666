"""A Redis master dies under load and its replica takes over; at length in tests/chaos."""

from __future__ import annotations

import sys

import pytest
import redis_stories
from funboost_testing.services import find
from funboost_testing.services.redis_groups import Watched
from kill_log import report
from worlds import redis_world

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(sys.platform == "win32", reason="signals"),
]
pytest.importorskip("funboost_store_redis", reason="the Redis plugins are not installed here")


def test_sentinel_fail_over(tmp_path, redis_server):
    if not find("redis").executable():
        pytest.skip("servers of this test's own are needed, and no redis-server is installed here")
    with Watched() as watched:
        world = redis_world(watched.url, "REDIS_ACK_ABLE")
        told = redis_stories.failover(tmp_path, world, watched.master.kill, redis_stories.replicated(watched.master))
    report("fail-over, Sentinel, REDIS_ACK_ABLE", told)
