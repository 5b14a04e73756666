"""Giving messages back, putting them off, moving them to another queue."""

from __future__ import annotations

from funboost_core import Capability, Environment, Outgoing, PullBroker

from .base import BrokerSuite, MakeBroker, lacks, needs


class MovingTests(BrokerSuite):
    """A message is always in one place."""

    @needs(Capability.REQUEUE)
    def test_what_is_requeued_can_be_fetched_again(self, publisher: PullBroker, consumer: PullBroker) -> None:
        """Unchanged, once, and without counting as another delivery."""
        self.send(publisher, 1, 2)
        got = self.collect(consumer, 2)
        consumer.requeue(got[:1])
        consumer.ack(got[1:])
        (again,) = self.collect(consumer, 1)
        assert self.read([again]) == [1]
        assert again.attempts == 1, "requeue() counted as a delivery"
        consumer.ack([again])
        self.nothing(consumer)

    @needs(Capability.REQUEUE)
    def test_requeueing_what_was_acknowledged_does_nothing(self, publisher: PullBroker, consumer: PullBroker) -> None:
        """Settled is settled."""
        self.send(publisher, 1)
        got = self.collect(consumer, 1)
        consumer.ack(got)
        consumer.requeue(got)
        self.nothing(consumer)

    @needs(Capability.REQUEUE)
    def test_another_consumer_may_get_what_is_requeued(
        self, make: MakeBroker, publisher: PullBroker, capabilities: Capability
    ) -> None:
        """It belongs to the queue again."""
        self.send(publisher, 1)
        first, second = make(), make()
        first.listen()
        if Capability.OFFSET_ACK not in capabilities:
            second.listen()
        first.requeue(self.collect(first, 1))
        if Capability.OFFSET_ACK in capabilities:  # parts of the log are shared out, not messages: until one leaves
            second.listen()
            first.close()
        assert self.read(self.collect(second, 1)) == [1]

    @needs(Capability.SECOND_QUEUE)
    def test_forward_moves_a_message(self, make: MakeBroker, publisher: PullBroker, environment: Environment) -> None:
        """Out of this queue and into the other in one step."""
        self.send(publisher, 1, 2)
        first = make()
        first.listen()
        got = self.collect(first, 2)
        target = environment.namespaced("other")
        first.forward(got[0], Outgoing(got[0].body), target)  # type: ignore[arg-type]
        first.ack(got[1:])
        first.close()
        again = make()
        again.listen()
        self.nothing(again)
        other = make("other")
        other.listen()
        moved = self.collect(other, 1)
        assert self.read(moved) == [1]
        assert moved[0].body == got[0].body, "forward() changed the message"
        self.nothing(other)

    @needs(Capability.SECOND_QUEUE)
    def test_forwarding_what_was_settled_does_nothing(
        self, make: MakeBroker, publisher: PullBroker, consumer: PullBroker, environment: Environment
    ) -> None:
        """A repeated move makes no second message."""
        self.send(publisher, 1)
        (delivery,) = self.collect(consumer, 1)
        target = environment.namespaced("other")
        consumer.forward(delivery, Outgoing(delivery.body), target)  # type: ignore[arg-type]
        consumer.forward(delivery, Outgoing(delivery.body), target)  # type: ignore[arg-type]
        other = make("other")
        other.listen()
        assert self.read(self.collect(other, 1)) == [1]
        self.nothing(other)

    @needs(Capability.DELAY)
    def test_nothing_is_fetched_before_it_is_due(
        self, publisher: PullBroker, consumer: PullBroker, environment: Environment
    ) -> None:
        """And everything soon afterwards, also while a fetch waits."""
        clock = environment.clock
        self.send(publisher, "much later", due=clock.time() + 2 * self.patience)
        self.send(publisher, "past", due=clock.time() - 100)
        self.send(publisher, "now")
        assert sorted(self.read(self.collect(consumer, 2))) == ["now", "past"]
        due = clock.time() + 0.4
        self.send(publisher, "later", due=due)
        got = self.collect(consumer, 1, wait=self.patience)
        early = due - clock.time()
        assert self.read(got) == ["later"]
        assert early <= 0.01, f"it was fetched {early:.3f} s before it was due"

    @lacks(Capability.DELAY)
    def test_delay_is_declared_where_it_is_there(
        self, publisher: PullBroker, consumer: PullBroker, environment: Environment
    ) -> None:
        """A broker that keeps messages back until they are due must say so, or the core delays them a second time."""
        due = environment.clock.time() + self.patience / 2
        self.send(publisher, 1, due=due)
        self.collect(consumer, 1)
        late = environment.clock.time() >= due
        assert not late, "a message was kept back until it was due, but DELAY is not declared"

    @needs(Capability.DELAY, Capability.SECOND_QUEUE)
    def test_forwarding_to_the_own_queue_puts_a_message_off(
        self, publisher: PullBroker, consumer: PullBroker, environment: Environment
    ) -> None:
        """As a retry with an interval does."""
        clock = environment.clock
        self.send(publisher, 1, 2)
        got = self.collect(consumer, 2)
        later, much_later = clock.time() + 0.3, clock.time() + 2 * self.patience
        for delivery, due in zip(got, (later, much_later)):
            message = Outgoing(delivery.body, 0, due, delivery.attempts)  # type: ignore[arg-type]
            consumer.forward(delivery, message, consumer.context.queue)
        assert self.read(self.collect(consumer, 1)) == self.read(got[:1])
        assert clock.time() >= later - 0.01
        self.nothing(consumer)

    @needs(Capability.ACK, Capability.DELAY, Capability.SECOND_QUEUE)
    def test_what_is_put_off_in_order_is_no_delivery_more(
        self, publisher: PullBroker, consumer: PullBroker, environment: Environment
    ) -> None:
        """Forwarding keeps the number of deliveries that were told, however often: only those that died count."""
        self.send(publisher, 1)
        (delivery,) = self.collect(consumer, 1)
        for earlier, late in ((0, 0.0), (0, 0.1), (4, 0.0), (4, 0.1)):
            due = environment.clock.time() + late
            message = Outgoing(delivery.body, 0, due, earlier)  # type: ignore[arg-type]
            consumer.forward(delivery, message, consumer.context.queue)
            (delivery,) = self.collect(consumer, 1)
            counted = delivery.attempts
            assert counted == earlier + 1, f"attempts is {counted} after {earlier} deliveries that nobody settled"

    @needs(Capability.REQUEUE)
    def test_what_is_requeued_again_and_again_is_no_delivery_more(
        self, publisher: PullBroker, consumer: PullBroker
    ) -> None:
        """A task may ask for another turn as often as it likes."""
        self.send(publisher, 1)
        for _ in range(4):
            (delivery,) = self.collect(consumer, 1)
            assert delivery.attempts == 1, "requeue() counted as a delivery"
            consumer.requeue([delivery])
