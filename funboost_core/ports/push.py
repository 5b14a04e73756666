"""Brokers whose client library calls us: servers that listen, callbacks, loops of one's own."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, ClassVar, Protocol

from .broker import SettlingBroker

if TYPE_CHECKING:
    from ..native import Event
    from .broker import Delivery


class Overflow(Enum):
    """What a push broker does with a message for which the sink has no room (`put` returned False)."""

    STOP_READING = "stop reading"
    """Keeps it and reads no further until there is credit (TCP; a client with its own flow control)."""
    REFUSE = "refuse"
    """Tells the sender that it was not accepted (HTTP answers 503)."""
    DROP = "drop"
    """Forgets it (UDP, telemetry).  The core counts, and warns at each beat in which some were dropped."""


class Sink(Protocol):
    """Where a push broker puts its messages.  All methods may be called from any thread, also from callbacks."""

    def put(self, delivery: Delivery) -> bool:
        """Hand a message over, without waiting.

        False when it was not accepted, for there is no credit: then it is still the broker's, which does what its
        `overflow` says.
        """

    def credit(self) -> int:
        """How many more messages are welcome just now: about as many as can start at once."""

    def wait(self, timeout: float) -> int:
        """The credit, waiting at most `timeout` seconds until there is some; 0 when there is none, or no more.

        It blocks its thread: a client on an event loop fills a deque from there, and `run` empties that on its own thread.
        """

    def lost(self, deliveries: Sequence[Delivery]) -> None:
        """These are not ours any more (the connection they came by has ended): they will be delivered again.

        Those that have not been handed on are dropped; what becomes of the others is not told to the broker.
        """

    def leave(self, deliveries: Sequence[Delivery]) -> None:
        """These would be lost with the connection: the next consumer is to run them.  Once `stop` is set, or in `close`.

        For brokers that have received more than there was credit for, and can neither give it back nor leave it to the
        server; it waits in the state store.
        """


class PushBroker(SettlingBroker):
    """A broker that calls us.

    `ack`, `requeue` and `forward` are called while `run` runs, on other threads; without THREADSAFE_ACK by one thread
    at a time.  Without REQUEUE, a message that is given back stays in this process; when the consumer ends, it goes back
    with the connection (ACK), else into the state store.

    Example: the chapter "A broker that calls you" (docs/en/write-a-broker.md).
    """

    overflow: ClassVar[Overflow] = Overflow.STOP_READING

    @abstractmethod
    def run(self, sink: Sink, stop: Event) -> None:
        """Receive messages until `stop` is set: ``sink.put(Delivery(body, tag))``.

        Called on a thread of its own.  It may put from any thread, but those that it starts end with it.  When it raises,
        or returns early, it is called again after a growing pause, for ever.  Once `stop` is set, `wake` is called, and it
        has five seconds to return.

        When the connection is lost, raise: that is how health and the log hear of it.  What has been received ahead of
        credit stays on the object for the next call.  There may be none: `close` gives it to `Sink.leave`.
        """

    def wake(self) -> None:
        """Make `run` notice that `stop` is set; called from another thread.  Not needed where `run` looks often."""
