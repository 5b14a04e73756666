"""Declares the broker."""

from __future__ import annotations

from funboost_core import BrokerSpec, Capability, hookimpl


@hookimpl
def funboost_brokers() -> list[BrokerSpec]:
    """The broker HUEY."""
    return [
        BrokerSpec(
            kind="HUEY",
            factory="funboost_broker_huey.broker:HueyBroker",
            capabilities=Capability.PUBLISH
            | Capability.PRIORITY
            | Capability.DELAY
            | Capability.COUNT
            | Capability.PURGE
            | Capability.PERSISTENT
            | Capability.CROSS_PROCESS,
            options="funboost_broker_huey.options:Options",
            summary="Huey's queue and Huey's workers.",
            owns=frozenset({"concurrent_num"}),
        )
    ]
