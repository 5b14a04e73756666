"""MQTT keeps the contract on a real server."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from funboost_testing.brokers import ListenerBrokerSuite, PushBrokerSuite
from funboost_testing.services import Proxy

pytestmark = pytest.mark.server


def settings_of(url):
    parts = urlsplit(url)
    return {"MQTT_HOST": parts.hostname, "MQTT_TCP_PORT": parts.port}


class OnMqtt:
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


class TestMqtt(OnMqtt, PushBrokerSuite):
    pass


class TestMqttInSingleThread(OnMqtt, ListenerBrokerSuite):
    settings = {"CONCURRENT_MODE": "single_thread"}


class TestMqttInAsyncio(OnMqtt, ListenerBrokerSuite):
    settings = {"CONCURRENT_MODE": "asyncio"}


class TestMqttInGevent(OnMqtt, ListenerBrokerSuite):
    settings = {"CONCURRENT_MODE": "gevent"}
    first_line = "from gevent import monkey; monkey.patch_all()"

