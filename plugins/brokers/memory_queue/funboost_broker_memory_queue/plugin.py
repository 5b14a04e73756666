"""Declares the broker."""

from __future__ import annotations

from funboost_core import BrokerSpec, Capability, hookimpl


@hookimpl
def funboost_brokers() -> list[BrokerSpec]:
    """The broker MEMORY_QUEUE."""
    return [
        BrokerSpec(
            kind="MEMORY_QUEUE",
            factory="funboost_broker_memory_queue.broker:MemoryBroker",
            capabilities=Capability.ACK
            | Capability.REQUEUE
            | Capability.PUBLISH
            | Capability.PRIORITY
            | Capability.DELAY
            | Capability.COUNT
            | Capability.PURGE
            | Capability.BATCH
            | Capability.OBJECTS
            | Capability.SECOND_QUEUE
            | Capability.THREADSAFE_ACK,
            options="funboost_broker_memory_queue.options:Options",
            summary="In the memory of this process; the fastest, forgotten at its end",
        )
    ]
