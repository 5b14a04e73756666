"""The record of a broker some of whose methods are the user's: what it can do."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING

from funboost_core.ports.capability import Capability
from funboost_core.records import BrokerSpec

from .broker import OverriddenBroker

if TYPE_CHECKING:
    from ..task import OverridableTask


def spec(task: OverridableTask, beneath: BrokerSpec | None) -> BrokerSpec:
    """The record of a task's broker: what is beneath as far as it is left, and what the user's classes show."""
    can = beneath.capabilities if beneath is not None else Capability(0)
    overridden = task.overridden
    if "_dispatch_task" in overridden:
        can &= _PUBLISHING
        can |= Capability.THREADSAFE_ACK
    if "concrete_realization_of_publish" in overridden:
        can &= ~Capability.OBJECTS  # the user gets text
        can |= Capability.PUBLISH
    for method, capability in _SHOWN.items():
        if method in overridden:
            can |= capability
    can |= task.consumer_class.CAPABILITIES | task.publisher_class.CAPABILITIES
    factory = functools.partial(OverriddenBroker, task, beneath)
    if beneath is not None:
        return replace(beneath, factory=factory, capabilities=can)
    return BrokerSpec(kind=str(task.params.broker_kind), factory=factory, capabilities=can)


_SHOWN = {
    "_confirm_consume": Capability.ACK,
    "_requeue": Capability.REQUEUE,
    "get_message_count": Capability.COUNT,
    "clear": Capability.PURGE,
}
_PUBLISHING = (
    Capability.PUBLISH
    | Capability.COUNT
    | Capability.PURGE
    | Capability.BATCH
    | Capability.PERSISTENT
    | Capability.CROSS_PROCESS
    | Capability.CROSS_HOST
)
"""What the broker beneath still does when a loop takes the messages."""
