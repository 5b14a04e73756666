"""A `PushBroker` as the `PullBroker` that the consuming line knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import BrokerUnavailable, ConfigError
from ..message import as_bytes, new_task_id
from ..ports.broker import Delivery, PullBroker
from ..ports.capability import Capability
from ..ports.push import Overflow, PushBroker
from ..ports.store import Parked
from .sink import Sink, fill

if TYPE_CHECKING:
    from ..native import Thread
    from ..ports.broker import Outgoing
    from ..task import Task

CLOSING = 5.0
"""Seconds that `PushBroker.run` gets to return."""


def open_broker(task: Task) -> PullBroker:
    """A broker of the task that can be fetched from, opened.

    Raises:
        ConfigError: its kind has nothing to fetch.
    """
    broker = task.make_broker()
    if isinstance(broker, PullBroker):
        return broker
    if isinstance(broker, PushBroker):
        return Pushed(task, broker)
    broker.close()
    raise ConfigError(f"The broker {task.spec.kind} of queue {task.queue_name!r} cannot be consumed from.")


class Pushed(PullBroker):
    """Fetches from the sink that a push broker fills.

    Messages that the broker cannot take back (no REQUEUE) stay here, and go to the state store at the end unless the end
    of the connection returns them (ACK).
    """

    def __init__(self, task: Task, broker: PushBroker) -> None:
        super().__init__(broker.context)
        self._task = task
        self._broker = broker
        can = task.capabilities
        self._acks = Capability.ACK in can
        self._requeues = Capability.REQUEUE in can
        self._holds = self._acks or self._requeues or Capability.DELAY in can
        self._loop: Thread | None = None
        self._asked = 0
        self._refused = 0
        self.sink: Sink = Sink(self.context.clock)

    def listen(self) -> None:
        """Let the broker run, on a thread of its own."""
        broker, sink = self._broker, self.sink
        self._loop = fill(sink, lambda: broker.run(sink, sink.stop), self.context)

    def fetch(self, limit: int, timeout: float) -> Sequence[Delivery]:
        """What has been put; asking opens the credit."""
        return self.sink.take(limit, timeout)

    def wake(self) -> None:
        """End a fetch that waits, and its credit."""
        self.sink.wake()

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """See `Broker.publish`; what has waited in the state store is not sent to ourselves by a broker that holds nothing."""
        if self._holds:
            self._broker.publish(messages)
        elif not self.sink.put_back([Delivery(message.body) for message in messages]):
            raise BrokerUnavailable(kind=self.context.kind, error="its consumer has ended")

    def count(self) -> int:
        """See `Broker.count`."""
        return self._broker.count()

    def purge(self) -> None:
        """See `Broker.purge`."""
        self._broker.purge()

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge what has not been lost meanwhile."""
        ours = self.sink.ours(deliveries)
        if ours and self._acks:
            self._broker.ack(ours)

    def requeue(self, deliveries: Sequence[Delivery]) -> None:
        """Give back, or keep where the broker takes nothing back."""
        ours = self.sink.ours(deliveries)
        if ours and self._requeues:
            self._broker.requeue(ours)
        elif ours and not self.sink.put_back(ours):
            self._part_with(list(ours))

    def forward(self, delivery: Delivery, message: Outgoing, queue: str) -> None:
        """See `SettlingBroker.forward`."""
        if self.sink.ours([delivery]):
            self._broker.forward(delivery, message, queue)

    def maintain(self) -> None:
        """Give back what nobody has come for since the last beat (paused, or slow all of a sudden); tell of drops."""
        idle, self._asked = self.sink.asked == self._asked, self.sink.asked
        if idle and self._requeues:
            self._give_back(self.sink.recall())
        dropped, self._refused = self.sink.refused - self._refused, self.sink.refused
        if dropped and self._broker.overflow is Overflow.DROP:
            self.context.logger.warning(
                "%s: %d messages were dropped, for they came faster than they could start", self.context.queue, dropped
            )
        self._broker.maintain()

    def close(self) -> None:
        """Give back what nobody has taken, end the broker's `run`, close it, and keep what it leaves."""
        rest = self.sink.shut()
        try:
            self._part_with(rest)
        finally:
            self.sink.close()
            if self._loop is not None:
                self._broker.wake()
                self._loop.join(CLOSING)
                if self._loop.is_alive():
                    self.context.logger.warning(
                        "%s: run() of the broker %s has not returned within %g s after stop was set; it is left behind. "
                        "It must look at stop, or override wake().",
                        self.context.queue,
                        self.context.kind,
                        CLOSING,
                    )
                self._loop = None
            try:
                self._broker.close()
            finally:
                left, self.sink.left = self.sink.left, []
                self._part_with(left)

    def _give_back(self, deliveries: list[Delivery]) -> None:
        if deliveries:
            try:
                self._broker.requeue(deliveries)
            except BaseException:
                self.sink.put_back(deliveries)
                raise

    def _part_with(self, deliveries: list[Delivery]) -> None:
        """What was accepted and will not run here."""
        if self._requeues:
            self._give_back(deliveries)
        elif deliveries and not self._acks:
            state, now = self._task.environment.state, self.context.clock.time()
            if not state.has("parking"):
                self.context.logger.error(
                    "%s: %d messages are lost: they had not started, the broker takes none back, and no state store "
                    "is configured. Set STATE_URL.",
                    self.context.queue,
                    len(deliveries),
                )
                return
            state.parking.park(
                [Parked(new_task_id(""), self._task.queue, as_bytes(d.body), now, "delay") for d in deliveries]
            )
