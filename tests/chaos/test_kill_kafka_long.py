"""Kafka's server at length: ``tox -e chaos -- -rP -k kafka`` prints the numbers; kills and rebalances are with the plugin."""

from __future__ import annotations

import sys

import pytest
import redis_stories
from funboost_testing.services import find
from kill_log import report
from worlds import kafka_world

pytestmark = [
    pytest.mark.server,
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform == "win32", reason="signals"),
]
pytest.importorskip("funboost_broker_kafka_confluent", reason="the Kafka plugin is not installed here")


def test_a_kafka_server_killed_ten_times(tmp_path):
    if not find("kafka").executable():
        pytest.skip("a server of this test's own is needed")
    with find("kafka").start() as server:
        told = redis_stories.restarts(tmp_path, kafka_world(server.url, "chaos"), server, 10, again=2 * 4 * 1000)
    report("restarts, KAFKA_CONFLUENT", told)
    assert told["said away"] > 0
