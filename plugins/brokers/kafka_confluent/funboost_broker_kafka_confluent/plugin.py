"""Declares the brokers."""

from __future__ import annotations

from funboost_core import BrokerSpec, Capability, ServerSpec, hookimpl

_CAPABILITIES = (
    Capability.ACK
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
    | Capability.THREADSAFE_ACK
)
_SERVER = ServerSpec("Kafka", "KAFKA_BOOTSTRAP_SERVERS", port=9092)


@hookimpl
def funboost_brokers() -> list[BrokerSpec]:
    """The brokers KAFKA_CONFLUENT and KAFKA_CONFLUENT_SASL_PLAIN."""
    return [
        BrokerSpec(
            kind="KAFKA_CONFLUENT",
            factory="funboost_broker_kafka_confluent.broker:KafkaBroker",
            capabilities=_CAPABILITIES,
            options="funboost_broker_kafka_confluent.options:Options",
            summary="A Kafka topic and a consumer group; at least once, offsets committed without a gap.",
            server=_SERVER,
        ),
        BrokerSpec(
            kind="KAFKA_CONFLUENT_SASL_PLAIN",
            factory="funboost_broker_kafka_confluent.sasl:SaslPlainBroker",
            capabilities=_CAPABILITIES,
            options="funboost_broker_kafka_confluent.options:Options",
            summary="KAFKA_CONFLUENT with user and password from the setting KAFKA_SASL_CONFIG.",
            server=_SERVER,
        ),
    ]
