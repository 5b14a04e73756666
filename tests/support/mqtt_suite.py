"""The suite of push brokers on a real MQTT server."""

from __future__ import annotations

from urllib.parse import urlsplit

from funboost_testing.brokers import PushBrokerSuite
from served_suite import Served


def settings_of(url):
    parts = urlsplit(url)
    return {"MQTT_HOST": parts.hostname, "MQTT_TCP_PORT": parts.port}


class OnMqtt(Served, PushBrokerSuite):
    kind = "MQTT"
    place = "mqtt_place"

    def address(self, url):
        return settings_of(url)

    def held(self, broker):
        return len(broker._inbox._waiting)
