"""Declares the broker."""

from __future__ import annotations

from funboost_core import BrokerSpec, Capability, hookimpl


@hookimpl
def funboost_brokers() -> list[BrokerSpec]:
    """The broker KAFKA_CONFLUENT."""
    return [
        BrokerSpec(
            kind="KAFKA_CONFLUENT",
            factory="funboost_broker_kafka_confluent.broker:KafkaBroker",
            capabilities=Capability.ACK
            | Capability.REQUEUE
            | Capability.PUBLISH
            | Capability.COUNT
            | Capability.BATCH
            | Capability.PERSISTENT
            | Capability.CROSS_PROCESS
            | Capability.CROSS_HOST
            | Capability.OFFSET_ACK
            | Capability.SECOND_QUEUE
            | Capability.RECOVER
            | Capability.THREADSAFE_ACK,
            options="funboost_broker_kafka_confluent.options:Options",
            summary="A Kafka topic and a consumer group; at least once, offsets committed without a gap.",
        )
    ]
