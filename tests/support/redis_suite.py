"""The suite of pull brokers on a real Redis server, behind a wire that can be cut."""

from __future__ import annotations

import pytest
from funboost_testing.brokers import PullBrokerSuite
from funboost_testing.services import Proxy


class OnRedis(PullBrokerSuite):
    """Subclass it with the kind."""

    @pytest.fixture
    def proxy(self, redis_place):
        with Proxy(redis_place.url) as proxy:
            yield proxy

    @pytest.fixture
    def environment(self, redis_place, proxy, tmp_path):
        environment = self.program(
            {
                "BROKER_KIND": self.kind,
                "CONCURRENT_MODE": "threading",
                "DATA_DIR": str(tmp_path / "data"),
                "DRAIN_SECONDS": 5.0,
                "BEAT_SECONDS": 0.2,
                "REDIS_URL": proxy.url,
                "NAMESPACE": redis_place.namespace,
                **self.settings,
            }
        )
        yield environment
        environment.close()

    @pytest.fixture
    def cut(self, proxy):
        return proxy.refuse
