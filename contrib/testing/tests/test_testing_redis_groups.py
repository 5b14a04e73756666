"""Redis servers that belong together."""

from __future__ import annotations

import pytest
from funboost_testing.calls import Call
from funboost_testing.services.redis import Redis
from funboost_testing.services.redis_groups import Watched, ask

pytestmark = pytest.mark.skipif(not Redis().executable(), reason="no redis-server is installed")


@pytest.mark.parametrize("begun", [False, True])
def test_a_replica_takes_over_also_when_sentinel_has_begun_before_it_is_told(begun):
    with Watched() as watched:
        if begun:
            ask(watched.sentinel, "SENTINEL FAILOVER mymaster", "+OK")
        Call(watched.fail_over).result()
        assert "role:master" in ask(watched.replica, "INFO replication", "role:")
