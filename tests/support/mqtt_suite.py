"""The suite of push brokers on a real MQTT server, behind a wire that can be cut."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from funboost_testing.brokers import PushBrokerSuite
from funboost_testing.services import Proxy


def settings_of(url):
    parts = urlsplit(url)
    return {"MQTT_HOST": parts.hostname, "MQTT_TCP_PORT": parts.port}


class OnMqtt(PushBrokerSuite):
    kind = "MQTT"

    @pytest.fixture
    def proxy(self, mqtt_place):
        with Proxy(mqtt_place.url) as proxy:
            yield proxy

    @pytest.fixture
    def environment(self, mqtt_place, proxy, tmp_path):
        environment = self.program(
            {
                "BROKER_KIND": self.kind,
                "CONCURRENT_MODE": "threading",
                "DATA_DIR": str(tmp_path / "data"),
                "DRAIN_SECONDS": 5.0,
                "BEAT_SECONDS": 0.2,
                "NAMESPACE": mqtt_place.namespace,
                **settings_of(proxy.url),
                **self.settings,
            }
        )
        yield environment
        environment.close()

    @pytest.fixture
    def cut(self, proxy):
        return proxy.refuse
