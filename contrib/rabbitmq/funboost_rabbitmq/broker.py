"""The broker over a `Wire`: one connection to take messages, one to publish, as an alarm of the server stops the latter."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Callable, TypeVar

from funboost_core.errors import BrokerUnavailable, ConfigError
from funboost_core.native import RLock
from funboost_core.ports.broker import BrokerContext, Delivery, Outgoing, PullBroker

from .address import address_of
from .client import Got, Item
from .errors import QueueGone, RabbitUnavailable
from .wire import Wire

if TYPE_CHECKING:
    from .address import Address
    from .options import RabbitOptions

EARLIER = "x-funboost-earlier-deliveries"
"""Header of messages that were moved: deliveries before the move that nobody settled."""
COUNTED = "x-delivery-count"
"""Header of quorum queues: how often a message came back."""
MOVING = 2.0
"""Most seconds that moving a message may take; the core tries again, and other messages go on."""

R = TypeVar("R")


class RabbitBroker(PullBroker):
    """A durable queue on the default exchange; messages are persistent."""

    def __init__(self, context: BrokerContext) -> None:
        super().__init__(context)
        self._options: RabbitOptions = context.options
        self._address: Address = address_of(context.settings, self._options.connection)
        self._take_lock, self._send_lock = RLock(), RLock()
        self._taking: Wire | None = None
        self._sending: Wire | None = None
        self._closed = False

    @abstractmethod
    def make_wire(self, address: Address) -> Wire:
        """A new connection."""

    @abstractmethod
    def properties(self, priority: int, earlier: int) -> Any:
        """The client's properties of a new persistent message; `earlier` goes into the header EARLIER unless 0."""

    # -- its life ---------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Connect and declare the queue; a server that is away just now may come, and whoever needs it says so.

        Raises:
            ConfigError: user, password, virtual host or the arguments of the queue are wrong.
        """
        try:
            self._send_wire()
        except BrokerUnavailable:
            pass

    def close(self) -> None:
        """End the connections; the server gives what is not acknowledged to others."""
        self._closed = True
        with self._take_lock, self._send_lock:
            for wire in (self._taking, self._sending):
                if wire is not None:
                    wire.close()

    def _send_wire(self) -> Wire:
        with self._send_lock:
            self._sending = wire = self._connected(self._sending)
            return wire

    def _connected(self, wire: Wire | None) -> Wire:
        if self._closed:  # by another thread: nobody would end a new connection
            raise RabbitUnavailable(
                server=self._address.shown, error="it is closed here", setting=self._address.setting
            )
        if wire is not None and wire.usable:
            return wire
        if wire is not None:
            wire.close()
        wire = self.make_wire(self._address)
        try:
            wire.ask(lambda: self._declare(wire, self.context.queue))
        except BaseException:
            wire.close()
            raise
        return wire

    def _declare(self, wire: Wire, queue: str) -> None:
        most, arguments = self._options.x_max_priority, dict(self._options.queue_arguments)
        if most is not None:
            arguments["x-max-priority"] = most
        wire.declare(queue, arguments)

    # -- taking -----------------------------------------------------------------------------------------------------

    def listen(self) -> None:
        """Connect, for taking messages."""
        with self._take_lock:
            self._taking = self._connected(self._taking)

    def fetch(self, limit: int, timeout: float) -> Sequence[Delivery]:
        """Up to `limit` messages, waiting at most `timeout` seconds for the first."""
        with self._take_lock:
            if self._closed:
                return ()
            self._taking = wire = self._connected(self._taking)
        limit = min(limit, self._options.pull_msg_batch_size)
        try:
            got = wire.ask(lambda: wire.drain(limit, timeout))
        except QueueGone:
            wire.close()  # a new one declares the queue
            raise
        if got and self._options.no_ack:
            wire.settle_soon(one.number for one in got)
        return [Delivery(one.body, (wire, one), self._attempts(one)) for one in got]

    def _attempts(self, got: Got) -> int:
        headers = got.properties.headers or {}
        counted, earlier = headers.get(COUNTED), headers.get(EARLIER)
        if got.redelivered and counted is None:
            return 0  # the server does not say how often
        return 1 + sum(number for number in (counted, earlier) if isinstance(number, int))

    def wake(self) -> None:
        """End a fetch that waits, or the next one that would."""
        wire = self._taking
        if wire is not None:
            wire.wake()

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge what was not settled before; what came by a connection that has ended is not ours any more."""
        numbers: dict[Wire, list[int]] = {}
        for delivery in deliveries:
            wire, got = delivery.tag
            numbers.setdefault(wire, []).append(got.number)
        for wire, its in numbers.items():
            wire.settle_soon(its)

    def requeue(self, deliveries: Sequence[Delivery]) -> None:
        """Publish the messages again, then acknowledge them.

        The server's own way back would mark them as delivered before, and so count as the death of a worker.
        """
        ours = [delivery for delivery in deliveries if _is_open(delivery)]
        if ours:
            self._send([Item(got.body, got.properties) for _, got in (d.tag for d in ours)], self.context.queue, MOVING)
            self.ack(ours)

    def forward(self, delivery: Delivery, message: Outgoing, queue: str) -> None:
        """Publish `message` to `queue`, and acknowledge `delivery` once the server has it safe."""
        if _is_open(delivery):
            self._send([self._item(message)], queue, MOVING)
            self.ack([delivery])

    # -- publishing -------------------------------------------------------------------------------------------------

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """Publish a batch; the server has it on its disk, or in its memory where it is fast, when this returns.

        Raises:
            BrokerUnavailable: it is away, or takes no messages for now.
            ConfigError: a priority, and the queue has none.
        """
        if messages:
            self._send([self._item(message) for message in messages], self.context.queue, self._options.publish_timeout)

    def _item(self, message: Outgoing) -> Item:
        body, priority = message.body, message.priority
        assert isinstance(body, bytes)
        if priority > 0 and self._options.x_max_priority is None:
            raise ConfigError(
                f"priority={priority} needs a queue with priorities: "
                f'set broker_exclusive_config={{"x-max-priority": 1 to 255}} for {self.context.queue!r}.'
            )
        return Item(body, self.properties(max(0, min(255, priority)), max(0, message.attempts)))

    def _send(self, items: Sequence[Item], queue: str, patience: float) -> None:
        def send(wire: Wire) -> None:
            left = wire.publish(items, queue, patience)
            if left:  # the queue is not there (any more)
                self._declare(wire, queue)
                left = wire.publish(left, queue, patience)
            if left:
                raise QueueGone(queue=queue)

        self._asked(send)

    def count(self) -> int:
        """Messages that wait."""
        queue = self.context.queue
        return self._asked(lambda wire: wire.declare(queue, {}, passive=True))

    def purge(self) -> None:
        """Remove the messages that wait."""
        queue = self.context.queue
        self._asked(lambda wire: wire.purge(queue))

    def _asked(self, job: Callable[[Wire], R]) -> R:
        wire = self._send_wire()
        return wire.ask(lambda: job(wire))


def _is_open(delivery: Delivery) -> bool:
    wire, got = delivery.tag
    return got.number in wire.open
