"""MQTT keeps the contract on a real server."""

from __future__ import annotations

import pytest
from mqtt_suite import OnMqtt

pytestmark = pytest.mark.server


class TestMqtt(OnMqtt):
    pass


class TestMqttInSingleThread(OnMqtt):
    settings = {"CONCURRENT_MODE": "single_thread"}


class TestMqttInAsyncio(OnMqtt):
    settings = {"CONCURRENT_MODE": "asyncio"}
