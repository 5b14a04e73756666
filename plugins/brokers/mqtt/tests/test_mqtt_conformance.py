"""MQTT keeps the contract on a real server."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
from funboost_testing.brokers import ListenerBrokerSuite
from mqtt_suite import OnMqtt, settings_of
from served_suite import Served

pytestmark = pytest.mark.server


def needs(pool):
    return pytest.mark.skipif(find_spec(pool) is None, reason=f"{pool} is not installed")


class TestMqtt(OnMqtt):
    pass


@needs("funboost_pool_single_thread")
class TestMqttInSingleThread(OnMqtt):
    settings = {"CONCURRENT_MODE": "single_thread"}


@needs("funboost_pool_asyncio")
class TestMqttInAsyncio(OnMqtt):
    settings = {"CONCURRENT_MODE": "asyncio"}


class InPatchedProcess(Served, ListenerBrokerSuite):
    """Without what is tested by threads, and without the wire that can be cut: there are no real ones in such a process."""

    kind = "MQTT"
    place = "mqtt_place"

    def address(self, url):
        return settings_of(url)

    @pytest.fixture
    def proxy(self, server_place):
        return server_place

    @pytest.fixture
    def cut(self):
        return None


@needs("funboost_pool_gevent")
class TestMqttInGevent(InPatchedProcess):
    first_line = "from gevent import monkey; monkey.patch_all()"
    settings = {"CONCURRENT_MODE": "gevent"}


@needs("funboost_pool_eventlet")
class TestMqttInEventlet(InPatchedProcess):
    first_line = "import eventlet; eventlet.monkey_patch()"
    settings = {"CONCURRENT_MODE": "eventlet"}
