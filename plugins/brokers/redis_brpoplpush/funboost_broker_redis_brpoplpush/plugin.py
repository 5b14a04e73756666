"""Declares the broker."""

from __future__ import annotations

from funboost_core import BrokerSpec, Capability, ServerSpec, hookimpl


@hookimpl
def funboost_brokers() -> list[BrokerSpec]:
    """The broker REDIS_BRPOPLPUSH."""
    return [
        BrokerSpec(
            kind="REDIS_BRPOPLPUSH",
            factory="funboost_broker_redis_brpoplpush.broker:RedisBrpoplpushBroker",
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
            options="funboost_broker_redis_brpoplpush.options:Options",
            summary="A Redis list taken from its right end, with acknowledgement; safe against kill -9.",
            server=ServerSpec("Redis", "REDIS_URL", port=6379),
        )
    ]
