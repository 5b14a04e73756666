"""Declares the broker."""

from __future__ import annotations

from funboost_core import BrokerSpec, Capability, ServerSpec, hookimpl


@hookimpl
def funboost_brokers() -> list[BrokerSpec]:
    """The broker REDIS_PRIORITY."""
    return [
        BrokerSpec(
            kind="REDIS_PRIORITY",
            factory="funboost_broker_redis_priority.broker:RedisPriorityBroker",
            capabilities=Capability.ACK
            | Capability.REQUEUE
            | Capability.PUBLISH
            | Capability.PRIORITY
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
            options="funboost_broker_redis_priority.options:Options",
            summary="Redis lists with priorities and acknowledgement; safe against kill -9.",
            server=ServerSpec("Redis", "REDIS_URL", port=6379),
        )
    ]
