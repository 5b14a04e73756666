"""What a broker can do.  Each flag drives one decision of the core; the conformance suite checks it both ways."""

from __future__ import annotations

from enum import Flag, auto


class Capability(Flag):
    """Declared by a `BrokerSpec`; what is absent is emulated or refused where the task is declared."""

    ACK = auto()
    """Messages stay the broker's until acknowledged; without it a crash loses what was fetched."""
    REQUEUE = auto()
    """`requeue` gives a fetched message back; without it the core publishes the bytes again."""
    PUBLISH = auto()
    """Messages can be published; without it `push` is refused (event sources)."""
    PRIORITY = auto()
    """Higher `Outgoing.priority` is fetched first; without it a priority is refused."""
    DELAY = auto()
    """`Outgoing.due` is honoured; without it delays and retry intervals wait in the state store."""
    COUNT = auto()
    """`count` works; without it `get_message_count` is -1."""
    PURGE = auto()
    """`purge` works; without it `clear` is refused."""
    BATCH = auto()
    """`publish` and `ack` of many cost about as much as of one."""
    PERSISTENT = auto()
    """What was published survives the end of the publisher and of the server."""
    CROSS_PROCESS = auto()
    """Other processes of this host see the same queue; without it several processes are refused."""
    CROSS_HOST = auto()
    """Other hosts see the same queue; host-local state and generated keys are refused."""
    BROADCAST = auto()
    """Every consumer gets every message; filtering is refused."""
    OBJECTS = auto()
    """Message dicts are passed as they are, without serialising."""
    OFFSET_ACK = auto()
    """Acknowledging is a position; the core keeps an offset window."""
    SECOND_QUEUE = auto()
    """`forward` moves a message to another queue of the same server; without it dead letters go to the state store."""
    RECOVER = auto()
    """The broker itself returns what a dead consumer held."""
    NEEDS_IDLE = auto()
    """`idle` must be called while the gate is shut, to keep the connection alive."""
    THREADSAFE_ACK = auto()
    """`ack`, `requeue` and `forward` may run on any thread, also during `fetch`."""
