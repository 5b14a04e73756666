"""Declares the broker."""

from __future__ import annotations

from funboost_core import BrokerSpec, Capability, ServerSpec, hookimpl


@hookimpl
def funboost_brokers() -> list[BrokerSpec]:
    """The broker MQTT."""
    return [
        BrokerSpec(
            kind="MQTT",
            factory="funboost_broker_mqtt.broker:MqttBroker",
            capabilities=Capability.PUBLISH
            | Capability.BATCH
            | Capability.CROSS_PROCESS
            | Capability.CROSS_HOST
            | Capability.THREADSAFE_ACK,
            options="funboost_broker_mqtt.options:Options",
            summary="A topic of an MQTT 5 server, shared by its consumers; nothing is stored while nobody listens.",
            server=ServerSpec("MQTT", "MQTT_HOST", port_setting="MQTT_TCP_PORT"),
        )
    ]
