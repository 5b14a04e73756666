"""On a cluster, several lists are on one node only where braces say so."""

from __future__ import annotations

import pytest
from redis_helpers import bodies, brokers, put

from funboost_core.errors import ConfigError

pytestmark = pytest.mark.server


def test_priorities_need_braces(redis_cluster_place):
    with brokers("REDIS_PRIORITY", redis_cluster_place) as make:
        with pytest.raises(ConfigError, match=r"has several lists.*Write its name in braces: queue_name='\{orders\}'"):
            make("orders", **{"x-max-priority": 3})
        broker = make("{orders}", **{"x-max-priority": 3})
        put(broker, b"low")
        put(broker, b"high", priority=3)
        assert bodies([*broker.fetch(1, 1), *broker.fetch(1, 1)]) == [b"high", b"low"]
        put(make("no priorities"), b"1")
