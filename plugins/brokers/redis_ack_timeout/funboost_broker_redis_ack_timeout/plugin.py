"""Declares the broker."""

from __future__ import annotations

from funboost_core import BrokerSpec, Capability, ServerSpec, hookimpl


@hookimpl
def funboost_brokers() -> list[BrokerSpec]:
    """The broker REDIS_ACK_TIMEOUT."""
    return [
        BrokerSpec(
            kind="REDIS_ACK_TIMEOUT",
            factory="funboost_broker_redis_ack_timeout.broker:RedisAckTimeoutBroker",
            capabilities=Capability.ACK
            | Capability.REQUEUE
            | Capability.PUBLISH
            | Capability.DELAY
            | Capability.COUNT
            | Capability.PURGE
            | Capability.BATCH
            | Capability.PERSISTENT
            | Capability.CROSS_PROCESS
            | Capability.CROSS_HOST
            | Capability.SECOND_QUEUE
            | Capability.RECOVER
            | Capability.THREADSAFE_ACK,
            options="funboost_broker_redis_ack_timeout.options:Options",
            summary="A Redis list; what is not acknowledged within a time comes back.",
            server=ServerSpec("Redis", "REDIS_URL", port=6379),
        )
    ]
