"""MQTT keeps the contract on a real server."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
from mqtt_suite import OnMqtt

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
