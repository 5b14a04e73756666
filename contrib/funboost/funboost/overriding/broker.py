"""A broker some of whose methods are the user's; those that are not go straight to the broker beneath, if there is one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from funboost_core.message import encode
from funboost_core.ports.broker import BrokerContext, Delivery, Outgoing, PullBroker
from funboost_core.ports.capability import Capability
from funboost_core.records import resolve

from .handover import HandOver, feed
from .publisher import acting

if TYPE_CHECKING:
    from funboost_core.records import BrokerSpec

    from ..task import OverridableTask
    from .consumer import Kw

ATTEMPTS = 10
PAUSE = 0.1
"""How often, and how many seconds apart, a publish of the user's is tried."""

DELIVERY = "_delivery"
"""Key of the broker's own delivery in `kw`, with the broker that it is of: a late one must not reach the next."""

SETTLING = frozenset({"_dispatch_task", "_confirm_consume", "_requeue"})
COVERED_BY = {
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
        self._ended = False
        self.counts_beneath: bool = beneath is not None and Capability.COUNT in beneath.capabilities
        self.beneath: Any = None
        if beneath is not None:
            self.beneath = resolve(beneath.factory)(context)
            for method, covering in COVERED_BY.items():
                if covering.isdisjoint(task.overridden) and hasattr(self.beneath, method):
                    setattr(self, method, getattr(self.beneath, method))
        self.publisher: Any = task.publisher if task.publishes or beneath is None else None

    def open(self) -> None:
        """Connect what is beneath; the user's classes connect in `custom_init`."""
        if self.beneath is not None:
            self.beneath.open()
        if self.publisher is not None:  # not before: others publish through it at once
            self._task.outlets.append(self)

    def close(self) -> None:
        """Take nothing more, give back what is held, close what is beneath and what we published through."""
        self._ended = True
        if self.hand_over is not None:
            self.hand_over.close()
            for delivery in list(self._held):
                self._give_back_held(delivery)
        last = self._withdraw() and not self._task.outlets
        if self.beneath is not None:
            self.beneath.close()
        if last and "close" in self._task.overridden:
            self._task.forget_publisher(self.publisher)
            self.publisher.close()

    def _withdraw(self) -> bool:
        """Whether others could publish through this one until now."""
        try:
            self._task.outlets.remove(self)
        except ValueError:
            return False
        return True

    # -- publishing -------------------------------------------------------------------------------------------------

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """Give each message to the publisher's class, ten times at most."""
        with self._acting():
            for message in messages:
                body = message.body
                text = (encode(body) if isinstance(body, dict) else body).decode("utf-8", "surrogateescape")
                token = _outgoing.set(message)
                try:
                    self._insist(text)
                finally:
                    _outgoing.reset(token)

    @contextmanager
    def _acting(self) -> Iterator[None]:
        token = acting.set(self)
        try:
            yield
        finally:
            acting.reset(token)

    def _insist(self, text: str) -> None:
        for left in reversed(range(ATTEMPTS)):
            try:
                self.publisher.concrete_realization_of_publish(text)
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
        with self._acting():
            return int(self.publisher.get_message_count())

    def purge(self) -> None:
        """Tell the publisher's class."""
        with self._acting():
            self.publisher.clear()

    # -- fetching ---------------------------------------------------------------------------------------------------

    def listen(self) -> None:
        """Start the loop, if the consumer's class has one.  From now on this is no outlet: it ends with the consumer."""
        self._withdraw()
        if SETTLING.isdisjoint(self._task.overridden):
            self.beneath.listen()
            return
        self._consumer = self._task.consumer
        self._consumer._broker = self
        if "_dispatch_task" in self._task.overridden:
            self.hand_over = HandOver(self.context, self._give_back)
            if self._ended:  # `close` has come first, and has seen no loop
                self.hand_over.close()
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
        if self._closed:  # after they were taken: `close` may not have seen them, and nobody works them off
            for delivery in taken:
                if not self._holds or self._held.pop(delivery, None) is not None:
                    self._give_back(delivery)
            return ()
        return taken

    def wake(self) -> None:
        """Make a waiting `fetch` return."""
        if self.hand_over is not None:
            self.hand_over.wake()

    # -- settling ---------------------------------------------------------------------------------------------------

    @contextmanager
    def _settling(self, delivery: Delivery) -> Iterator[Kw | None]:
        """What is held of a message: nobody else settles it meanwhile, `close` neither.  Held again where this fails."""
        kw = self._held.pop(delivery, None)
        try:
            yield kw
        except BaseException:
            if kw is not None:
                self._held[delivery] = kw
                if self._closed:  # `close` may have looked already
                    self._give_back_held(delivery)
            raise

    @property
    def _closed(self) -> bool:
        """Whether what we took from a loop goes back; a broker beneath gives back what it has delivered itself."""
        return self.hand_over is not None and self.hand_over.stop.is_set()

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Tell the consumer's class; a message for which it raises is told again."""
        for delivery in deliveries:
            with self._settling(delivery) as kw:
                if kw is not None:
                    self._consumer._confirm_consume(self._task.seams.complete(kw, delivery))

    def requeue(self, deliveries: Sequence[Delivery]) -> None:
        """Let the consumer's class put them back."""
        for delivery in deliveries:
            with self._settling(delivery) as held:
                kw = held if self._holds else self._kw(delivery)
                if kw is not None:
                    self._consumer._requeue(self._task.seams.complete(kw, delivery))
            if self._holds and kw is not None and DELIVERY in kw:  # the user may have put it back himself: forget it
                self.beneath.ack([delivery])

    def forward(self, delivery: Delivery, message: Outgoing, queue: str) -> None:
        """Move it as the broker does, then tell the consumer's class that it is acknowledged."""
        with self._settling(delivery) as kw:
            if kw is not None or not self._holds:
                self.beneath.forward(delivery, message, queue)
            if kw is not None:
                self._consumer._confirm_consume(self._task.seams.complete(kw, delivery))

    def ack_beneath(self, kw: Kw) -> None:
        """What the broker itself does to acknowledge; nothing for a message of a loop."""
        if DELIVERY in kw:
            beneath, delivery = kw[DELIVERY]
            beneath.ack([delivery])

    def requeue_beneath(self, kw: Kw) -> None:
        """What the broker itself does to give back; a message of a loop is published again."""
        if DELIVERY in kw:
            beneath, delivery = kw[DELIVERY]
            beneath.requeue([delivery])
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
        return {"body": delivery.body, DELIVERY: (self.beneath, delivery)}

    def _give_back_held(self, delivery: Delivery) -> None:
        if self._held.pop(delivery, None) is not None:
            self._give_back(delivery)

    def _give_back(self, delivery: Delivery) -> None:
        """Put back what will not run here, on whichever thread has it."""
        kw = self._kw(delivery)
        try:
            self._consumer._requeue(self._task.seams.complete(kw, delivery))
        except Exception:
            self.context.logger.exception("%s: this message could not be put back: %s", self.context.queue, kw)
