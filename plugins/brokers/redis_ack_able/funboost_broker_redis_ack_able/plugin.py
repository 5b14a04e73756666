"""Declares the broker."""

from __future__ import annotations

from funboost_core import BrokerSpec, Capability, ServerSpec, hookimpl


@hookimpl
def funboost_brokers() -> list[BrokerSpec]:
    """The broker REDIS_ACK_ABLE."""
    return [
        BrokerSpec(
            kind="REDIS_ACK_ABLE",
            factory="funboost_broker_redis_ack_able.broker:RedisAckAbleBroker",
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
            options="funboost_broker_redis_ack_able.options:Options",
            summary="A Redis list with acknowledgement; fast, and safe against kill -9.",
            server=ServerSpec("Redis", "REDIS_URL", port=6379),
        )
    ]
