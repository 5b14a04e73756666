"""What the broker can do.  Nothing here imports the client library."""

from __future__ import annotations

from funboost_core import BrokerSpec, ServerSpec, hookimpl
from funboost_core import Capability as C

_CAN = C.PUBLISH | C.BATCH | C.CROSS_PROCESS | C.CROSS_HOST | C.THREADSAFE_ACK


@hookimpl
def funboost_brokers() -> list[BrokerSpec]:
    """One kind."""
    factory, options = "funboost_broker_nats.broker:NatsBroker", "funboost_broker_nats.options:NatsOptions"
    summary, server = "a NATS subject, shared by a queue group, not stored", ServerSpec("NATS", "NATS_URL", port=4222)
    return [BrokerSpec("NATS", factory, _CAN, options, summary, server=server)]
