"""Declares the broker."""

from __future__ import annotations

from funboost_core import BrokerSpec, Capability, hookimpl


@hookimpl
def funboost_brokers() -> list[BrokerSpec]:
    """The broker SQLITE_QUEUE."""
    return [
        BrokerSpec(
            kind="SQLITE_QUEUE",
            factory="funboost_broker_sqlite_queue.broker:SqliteBroker",
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
            | Capability.SECOND_QUEUE
            | Capability.RECOVER
            | Capability.THREADSAFE_ACK,
            options="funboost_broker_sqlite_queue.options:Options",
            summary="One SQLite file for the processes of a host; no server. The default.",
        )
    ]
