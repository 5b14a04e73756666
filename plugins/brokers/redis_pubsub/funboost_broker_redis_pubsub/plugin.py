"""Declares the broker."""

from __future__ import annotations

from funboost_core import BrokerSpec, Capability, ServerSpec, hookimpl


@hookimpl
def funboost_brokers() -> list[BrokerSpec]:
    """The broker REDIS_PUBSUB."""
    return [
        BrokerSpec(
            kind="REDIS_PUBSUB",
            factory="funboost_broker_redis_pubsub.broker:RedisPubsubBroker",
            capabilities=Capability.PUBLISH
            | Capability.BATCH
            | Capability.CROSS_PROCESS
            | Capability.CROSS_HOST
            | Capability.BROADCAST,
            options="funboost_broker_redis_pubsub.options:Options",
            summary="A Redis channel: every consumer that listens gets every message; nothing is stored.",
            server=ServerSpec("Redis", "REDIS_URL", port=6379),
        )
    ]
