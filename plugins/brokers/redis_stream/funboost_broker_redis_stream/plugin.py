"""Declares the broker."""

from __future__ import annotations

from funboost_core import BrokerSpec, Capability, ServerSpec, hookimpl


@hookimpl
def funboost_brokers() -> list[BrokerSpec]:
    """The broker REDIS_STREAM."""
    return [
        BrokerSpec(
            kind="REDIS_STREAM",
            factory="funboost_broker_redis_stream.broker:RedisStreamBroker",
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
            options="funboost_broker_redis_stream.options:Options",
            summary="A Redis stream and its consumer group; safe against kill -9.",
            server=ServerSpec("Redis", "REDIS_URL", port=6379),
        )
    ]
