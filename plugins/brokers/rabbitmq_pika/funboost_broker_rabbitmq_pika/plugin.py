"""Declares the broker."""

from __future__ import annotations

from funboost_core import BrokerSpec, Capability, ServerSpec, hookimpl


@hookimpl
def funboost_brokers() -> list[BrokerSpec]:
    """The broker RABBITMQ_PIKA."""
    return [
        BrokerSpec(
            kind="RABBITMQ_PIKA",
            factory="funboost_broker_rabbitmq_pika.broker:PikaBroker",
            capabilities=Capability.ACK
            | Capability.REQUEUE
            | Capability.PUBLISH
            | Capability.PRIORITY
            | Capability.COUNT
            | Capability.PURGE
            | Capability.BATCH
            | Capability.PERSISTENT
            | Capability.CROSS_PROCESS
            | Capability.CROSS_HOST
            | Capability.SECOND_QUEUE
            | Capability.RECOVER
            | Capability.THREADSAFE_ACK,
            options="funboost_broker_rabbitmq_pika.options:Options",
            summary="RabbitMQ by the client library pika: durable queues, confirmed publishing, priorities.",
            server=ServerSpec("RabbitMQ", "RABBITMQ_URL", port=5672, tls_port=5671),
        )
    ]
