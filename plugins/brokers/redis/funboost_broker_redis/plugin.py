"""Declares the broker."""

from __future__ import annotations

from funboost_core import BrokerSpec, Capability, ServerSpec, hookimpl


@hookimpl
def funboost_brokers() -> list[BrokerSpec]:
    """The broker REDIS."""
    return [
        BrokerSpec(
            kind="REDIS",
            factory="funboost_broker_redis.broker:RedisListBroker",
            capabilities=Capability.PUBLISH
            | Capability.DELAY
            | Capability.COUNT
            | Capability.PURGE
            | Capability.BATCH
            | Capability.PERSISTENT
            | Capability.CROSS_PROCESS
            | Capability.CROSS_HOST
            | Capability.SECOND_QUEUE,
            options="funboost_broker_redis.options:Options",
            summary="A Redis list without acknowledgement; what is running when a process is killed is lost.",
            server=ServerSpec("Redis", "REDIS_URL", port=6379),
        )
    ]
