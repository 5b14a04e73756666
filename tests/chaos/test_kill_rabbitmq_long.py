"""RabbitMQ at length: ``tox -e chaos -- -rP -k rabbitmq`` prints the numbers."""

from __future__ import annotations

import importlib.util
import sys

import kill_stories
import pytest
import rabbit_chaos
import redis_stories
from funboost_testing.services import Proxy
from kill_log import report
from worlds import RABBITS, rabbit_world

pytestmark = [
    pytest.mark.server,
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform == "win32", reason="signals"),
]


def installed(kind):
    name = RABBITS[kind].partition(".")[0]
    missing = importlib.util.find_spec(name) is None
    return pytest.param(kind, marks=pytest.mark.skipif(missing, reason=f"{name} is not installed here"))


pools = pytest.mark.parametrize("pool", ["threading", "single_thread"])
kinds = pytest.mark.parametrize("kind", [installed(kind) for kind in RABBITS])


@pools
@kinds
def test_fifty_killed_rabbitmq_consumers(tmp_path, rabbitmq_place, kind, pool):
    world = rabbit_world(rabbitmq_place.url, kind, rabbitmq_place.namespace)
    report(f"consumers, {kind}, {pool}", kill_stories.consumers(tmp_path, pool, 50, world))


@kinds
def test_a_rabbitmq_server_restarted_ten_times(tmp_path, own_rabbitmq, kind):
    world = rabbit_world(own_rabbitmq.url, kind, kind)
    server = rabbit_chaos.Restarted(own_rabbitmq)
    with rabbit_chaos.explained(own_rabbitmq):
        told = redis_stories.restarts(tmp_path, world, server, 10, rabbit_chaos.WINDOW)
    report(f"restarts, {kind}", told)
    assert told["said away"] == 10


@kinds
def test_connections_to_rabbitmq_cut_thirty_times(tmp_path, rabbitmq_place, kind):
    with Proxy(rabbitmq_place.url) as proxy:
        world = rabbit_world(proxy.url, kind, rabbitmq_place.namespace)
        told = redis_stories.restarts(tmp_path, world, rabbit_chaos.Cut(proxy), 30, rabbit_chaos.WINDOW)
    report(f"cuts, {kind}", told)
    assert told["said away"] == 30


@kinds
def test_a_rabbitmq_server_short_of_memory_ten_times(tmp_path, own_rabbitmq, kind):
    world = rabbit_world(own_rabbitmq.url, kind, f"short-{kind}", publish_timeout=8)
    report(f"alarms, {kind}", rabbit_chaos.alarms(tmp_path, world, own_rabbitmq, 10))
