"""Redis masters die, or are told to step down: ``tox -e chaos -- -rP -k failover`` prints the numbers."""

from __future__ import annotations

import sys
import time

import pytest
import redis_stories
from funboost_testing.services.redis_groups import Cluster, Watched, ask
from kill_log import report
from worlds import BROKERS, redis_world

pytestmark = [
    pytest.mark.server,
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform == "win32", reason="signals"),
]
pytest.importorskip("funboost_store_redis", reason="the Redis plugins are not installed here")
kinds = pytest.mark.parametrize("kind", BROKERS)


@kinds
def test_a_master_that_sentinel_watches_is_killed(tmp_path, redis_server, kind):
    with Watched() as watched:
        world = redis_world(watched.url, kind)
        told = redis_stories.failover(tmp_path, world, watched.master.kill, redis_stories.replicated(watched.master))
    report(f"fail-over, Sentinel, {kind}", told)


@kinds
def test_a_master_that_sentinel_watches_steps_down(tmp_path, redis_server, kind):
    with Watched() as watched:
        world = redis_world(watched.url, kind)

        def step_down():
            ask(watched.sentinel, "SENTINEL FAILOVER mymaster", "+OK")
            ask(watched.sentinel, "SENTINEL GET-MASTER-ADDR-BY-NAME mymaster", str(watched.replica.port))
            time.sleep(1)  # it has been told; the former master takes writes for ten seconds more

        told = redis_stories.failover(tmp_path, world, step_down, redis_stories.replicated(watched.master))
    report(f"stepped down, Sentinel, {kind}", told)


@kinds
def test_a_master_of_a_cluster_is_killed(tmp_path, redis_server, kind):
    with Cluster(3, replicas=1) as cluster:
        master = cluster.servers[2]  # it has the queue "q", and a replica
        told = redis_stories.failover(
            tmp_path, redis_world(cluster.url, kind), master.kill, redis_stories.replicated(master)
        )
    report(f"fail-over, cluster, {kind}", told)
