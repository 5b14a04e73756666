"""The suite of pull brokers on a real RabbitMQ server, behind a wire that can be cut."""

from __future__ import annotations

import pytest
from funboost_testing.brokers import PullBrokerSuite
from funboost_testing.services import Proxy


class OnRabbitMQ(PullBrokerSuite):
    """Subclass it with the kind."""

    options = {"x-max-priority": 5}

    @pytest.fixture
    def proxy(self, rabbitmq_place):
        with Proxy(rabbitmq_place.url) as proxy:
            yield proxy

    @pytest.fixture
    def environment(self, rabbitmq_place, proxy, tmp_path):
        environment = self.program(
            {
                "BROKER_KIND": self.kind,
                "CONCURRENT_MODE": "threading",
                "DATA_DIR": str(tmp_path / "data"),
                "DRAIN_SECONDS": 5.0,
                "BEAT_SECONDS": 0.2,
                "RABBITMQ_URL": proxy.url,
                "NAMESPACE": rabbitmq_place.namespace,
                **self.settings,
            }
        )
        yield environment
        environment.close()

    @pytest.fixture
    def cut(self, proxy):
        return proxy.refuse
