"""A broker some of whose methods are the user's; those that are not go straight to the broker beneath, if there is one."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from funboost_core.message import encode
from funboost_core.ports.broker import BrokerContext, Delivery, Outgoing, PullBroker
from funboost_core.ports.capability import Capability
from funboost_core.records import resolve

from .handover import HandOver, feed

if TYPE_CHECKING:
    from funboost_core.records import BrokerSpec

    from ..task import OverridableTask
    from .consumer import Kw

ATTEMPTS = 10
PAUSE = 0.1
"""How often, and how many seconds apart, a publish of the user's is tried."""

DELIVERY = "_delivery"
"""Key of the broker's own delivery in `kw`."""

SETTLING = frozenset({"_dispatch_task", "_confirm_consume", "_requeue"})
COVERED_BY = {
    "listen": SETTLING,
    "fetch": SETTLING,
    "turn": SETTLING,
    "ack": SETTLING,
    "requeue": SETTLING,
    "forward": SETTLING,
    "wake": frozenset({"_dispatch_task"}),
    "idle": frozenset({"_dispatch_task"}),
    "maintain": frozenset({"_dispatch_task"}),
    "publish": frozenset({"concrete_realization_of_publish"}),
    "count": frozenset({"get_message_count"}),
    "purge": frozenset({"clear"}),
}
"""Method of a broker -> the overridden methods, any of which puts us in its place."""
WRAPPING = frozenset({"close"}).union(*COVERED_BY.values())
"""The overridden methods for which the broker is wrapped at all."""

_outgoing: ContextVar[Outgoing | None] = ContextVar("funboost_outgoing", default=None)


class OverriddenBroker(PullBroker):
    """What publisher and consumer of a task with overridden methods use.

    Where messages are acknowledged, a delivery is held with its `kw` from fetching to settling, and what is not held any
    more is not settled again.
    """

    def __init__(self, task: OverridableTask, beneath: BrokerSpec | None, context: BrokerContext) -> None:
        super().__init__(context)
        self._task = task
        self._held: dict[Delivery, Kw] = {}
        self._holds = Capability.ACK in task.capabilities
        self._consumer: Any = None
        self.hand_over: HandOver | None = None
        self.counts_beneath: bool = beneath is not None and Capability.COUNT in beneath.capabilities
        self.beneath: Any = None
        if beneath is not None:
            self.beneath = resolve(beneath.factory)(context)
            for method, covering in COVERED_BY.items():
                if covering.isdisjoint(task.overridden) and hasattr(self.beneath, method):
                    setattr(self, method, getattr(self.beneath, method))
        self._publisher: Any = task.publisher if task.publishes or beneath is None else None
        if self._publisher is not None and self._publisher._broker is None:
            self._publisher._broker = self

    def open(self) -> None:
        """Connect what is beneath; the user's classes connect in `custom_init`."""
        if self.beneath is not None:
            self.beneath.open()

    def close(self) -> None:
        """Take nothing more, give back what is held, close what is beneath and what we published through."""
        if self.hand_over is not None:
            self.hand_over.close()
            for delivery in list(self._held):
                self._give_back(delivery)
        if self.beneath is not None:
            self.beneath.close()
        if self._publisher is not None and self._publisher._broker is self:
            self._publisher._broker = None
            if self._consumer is None and "close" in self._task.overridden:
                self._task.forget_publisher(self._publisher)
                self._publisher.close()

    # -- publishing -------------------------------------------------------------------------------------------------

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """Give each message to the publisher's class, ten times at most."""
        for message in messages:
            body = message.body
            text = (encode(body) if isinstance(body, dict) else body).decode("utf-8", "surrogateescape")
            token = _outgoing.set(message)
            try:
                self._insist(text)
            finally:
                _outgoing.reset(token)

    def _insist(self, text: str) -> None:
        for left in reversed(range(ATTEMPTS)):
            try:
                self._publisher.concrete_realization_of_publish(text)
                return
            except Exception as error:
                if not left:
                    raise
                self.context.logger.warning("Publishing failed (%s: %s); trying again.", type(error).__name__, error)
                self.context.clock.sleep(PAUSE)

    def publish_beneath(self, text: str) -> None:
        """What the broker itself does with a message, with the priority and the due time it is to have."""
        self._task.need(
            Capability.PUBLISH, "publishing", "Override concrete_realization_of_publish in the publisher's class."
        )
        told = _outgoing.get() or Outgoing(b"")
        body = text.encode("utf-8", "surrogateescape")
        self.beneath.publish([Outgoing(body, told.priority, told.due, told.attempts)])

    def count(self) -> int:
        """Ask the publisher's class."""
        return int(self._publisher.get_message_count())

    def purge(self) -> None:
        """Tell the publisher's class."""
        self._publisher.clear()

    # -- fetching ---------------------------------------------------------------------------------------------------

    def listen(self) -> None:
        """Start the loop, if the consumer's class has one."""
        self._consumer = self._task.consumer
        self._consumer._broker = self
        if "_dispatch_task" in self._task.overridden:
            self.hand_over = HandOver(self.context, self._give_back)
            loop = getattr(self._consumer, self._task.overridden["_dispatch_task"])
            feed(loop, self.hand_over, self.context)
        else:
            self.beneath.listen()

    def fetch(self, limit: int, timeout: float) -> Sequence[Delivery]:
        """What the loop has submitted, else what is beneath."""
        if self.hand_over is not None:
            taken = self.hand_over.take(limit, timeout)
        else:
            taken = self.beneath.fetch(limit, timeout)
        if self._holds:
            self._held.update((delivery, self._kw(delivery)) for delivery in taken)
        return taken

    def wake(self) -> None:
        """Make a waiting `fetch` return."""
        if self.hand_over is not None:
            self.hand_over.wake()

    # -- settling ---------------------------------------------------------------------------------------------------

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Tell the consumer's class; a message for which it raises is told again."""
        for delivery in deliveries:
            kw = self._held.get(delivery)
            if kw is not None:
                self._consumer._confirm_consume(self._task.seams.complete(kw, delivery))
                self._held.pop(delivery, None)

    def requeue(self, deliveries: Sequence[Delivery]) -> None:
        """Let the consumer's class put them back."""
        for delivery in deliveries:
            kw = self._held.get(delivery) if self._holds else self._kw(delivery)
            if kw is not None:
                self._consumer._requeue(self._task.seams.complete(kw, delivery))
                self._held.pop(delivery, None)
                if self._holds and DELIVERY in kw:  # where the user put it back himself, the broker has to forget it
                    self.beneath.ack([delivery])

    def forward(self, delivery: Delivery, message: Outgoing, queue: str) -> None:
        """Move it as the broker does, then tell the consumer's class that it is acknowledged."""
        if delivery in self._held or not self._holds:
            self.beneath.forward(delivery, message, queue)
            self.ack([delivery])

    def ack_beneath(self, kw: Kw) -> None:
        """What the broker itself does to acknowledge; nothing for a message of a loop."""
        if DELIVERY in kw:
            self.beneath.ack([kw[DELIVERY]])

    def requeue_beneath(self, kw: Kw) -> None:
        """What the broker itself does to give back; a message of a loop is published again."""
        if DELIVERY in kw:
            self.beneath.requeue([kw[DELIVERY]])
        else:
            body = kw["body"]
            body = encode(body) if isinstance(body, dict) else body.encode() if isinstance(body, str) else body
            self.publish([Outgoing(body)])

    def kw(self, delivery: Delivery) -> Kw:
        """What the consumer's methods get for a message that was fetched."""
        return self._held.get(delivery) or self._kw(delivery)

    def _kw(self, delivery: Delivery) -> Kw:
        if self.hand_over is not None:
            return delivery.tag  # type: ignore[no-any-return]
        return {"body": delivery.body, DELIVERY: delivery}

    def _give_back(self, delivery: Delivery) -> None:
        """Put back what will not run here, on whichever thread has it."""
        kw = self._held.pop(delivery, None) or self._kw(delivery)
        try:
            self._consumer._requeue(self._task.seams.complete(kw, delivery))
        except Exception:
            self.context.logger.exception("%s: this message could not be put back: %s", self.context.queue, kw)


def spec(task: OverridableTask, beneath: BrokerSpec | None) -> BrokerSpec:
    """The record of a task's broker: what is beneath as far as it is left, and what the user's classes show."""
    import functools
    from dataclasses import replace

    from funboost_core.records import BrokerSpec

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
