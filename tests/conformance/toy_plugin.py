"""Declares the toy engine as two brokers: one leaves it all it can do, one uses no more than its workers."""

from __future__ import annotations

from funboost_core import BrokerSpec, hookimpl
from funboost_core import Capability as C

OWNS = frozenset({"concurrent_num", "max_retry_times", "retry_interval"})
CAN = C.PUBLISH | C.ACK | C.RECOVER | C.COUNT | C.PURGE | C.PERSISTENT | C.CROSS_PROCESS


@hookimpl
def funboost_brokers():
    return [
        BrokerSpec("TOY", "toy_broker:ToyBroker", CAN | C.PRIORITY | C.DELAY, None, "a toy", OWNS),
        BrokerSpec(
            "TOY_PLAIN", "toy_broker:PlainBroker", CAN, "toy_broker:Options", "a toy's workers alone", frozenset()
        ),
    ]
