"""What the tests of MQTT share: a program that knows nothing of us."""

from __future__ import annotations

import threading

from mqtt_suite import settings_of
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from push_stories import PATIENCE


class Foreign:
    """A program that knows nothing of us."""

    def __init__(self, url):
        settings = settings_of(url)
        self.heard, self._changed = [], threading.Condition()
        self.client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
        self.client.on_message = self._on_message
        self.client.connect(settings["MQTT_HOST"], settings["MQTT_TCP_PORT"])
        self.client.loop_start()

    def _on_message(self, client, userdata, message):
        with self._changed:
            self.heard.append(message)
            self._changed.notify_all()

    def listen(self, topic):
        done = threading.Event()
        self.client.on_subscribe = lambda *_: done.set()
        self.client.subscribe(topic, 1)
        assert done.wait(PATIENCE)

    def send(self, topic, body, qos=1, **properties):
        given = Properties(PacketTypes.PUBLISH)
        for name, value in properties.items():
            setattr(given, name, value)
        self.client.publish(topic, body, qos, properties=given).wait_for_publish(PATIENCE)

    def wait_for(self, count):
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.heard) >= count, PATIENCE), f"only {len(self.heard)} came"
        return self.heard

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()
