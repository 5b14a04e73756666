"""Who holds a message, until when, and what comes back."""

from __future__ import annotations

import threading

from funboost_core import Capability, PullBroker

from .base import BrokerSuite, MakeBroker, needs


class AcknowledgingTests(BrokerSuite):
    """Nothing is lost before it is acknowledged, nothing comes back afterwards."""

    @needs(Capability.ACK)
    def test_what_is_not_acknowledged_comes_back(
        self, make: MakeBroker, publisher: PullBroker, capabilities: Capability
    ) -> None:
        """When its consumer ends; a broker that forgets at fetch loses on a crash."""
        self.send(publisher, 1, 2, 3)
        first = make()
        first.listen()
        got = self.collect(first, 3)
        first.ack(got[:1] if Capability.OFFSET_ACK in capabilities else got[1:2])
        first.close()
        second = make()
        second.listen()
        expected = [2, 3] if Capability.OFFSET_ACK in capabilities else [1, 3]
        back = sorted(self.read(self.collect(second, 2)))
        assert back == expected, f"lost: of {expected}, fetched and not acknowledged, {back} came back"

    @needs(Capability.OFFSET_ACK)
    def test_what_is_finished_behind_a_gap_is_repeated_and_nothing_lost(
        self, make: MakeBroker, publisher: PullBroker
    ) -> None:
        """A position covers all before it: it may not pass what still runs."""
        self.send(publisher, *range(5))
        first = make()
        first.listen()
        got = self.collect(first, 5)
        first.ack(got[3:])
        first.ack(got[:1])
        first.ack(got[2:3])
        first.close()
        second = make()
        second.listen()
        back = self.read(self.collect(second, 4))
        assert back == [1, 2, 3, 4], f"lost: of 1, which was not acknowledged, and what came after it, {back} came back"

    @needs(Capability.OFFSET_ACK)
    def test_what_is_finished_in_any_order_is_finished(self, make: MakeBroker, publisher: PullBroker) -> None:
        """Once there is no gap any more."""
        self.send(publisher, *range(6))
        first = make()
        first.listen()
        got = self.collect(first, 6)
        for index in (4, 0, 2, 1, 3):
            first.ack(got[index : index + 1])
        first.close()
        second = make()
        second.listen()
        back = self.read(self.collect(second, 1))
        assert back == [5], f"finished in another order than fetched: {back} came back instead of 5"
        self.nothing(second)

    @needs(Capability.ACK)
    def test_fetching_on_acknowledges_nothing(self, make: MakeBroker, publisher: PullBroker) -> None:
        """Only `ack` does: earlier messages may still be running when others are fetched."""
        self.send(publisher, 1, 2, 3)
        first = make()
        first.listen()
        self.collect(first, 3, limit=1)
        first.close()
        second = make()
        second.listen()
        back = sorted(self.read(self.collect(second, 3)))
        assert back == [1, 2, 3], f"acknowledged too early: only {back} came back"

    @needs(Capability.ACK)
    def test_what_is_acknowledged_does_not_come_back(self, make: MakeBroker, publisher: PullBroker) -> None:
        """Neither to the same consumer nor to the next."""
        self.send(publisher, 1, 2)
        first = make()
        first.listen()
        first.ack(self.collect(first, 2))
        self.nothing(first)
        first.close()
        second = make()
        second.listen()
        self.nothing(second)

    @needs(Capability.ACK)
    def test_acknowledging_twice_does_no_harm(self, make: MakeBroker, publisher: PullBroker) -> None:
        """An acknowledgement that is repeated after a lost connection must not hit another message."""
        self.send(publisher, 1, 2, 3)
        first = make()
        first.listen()
        got = self.collect(first, 1, limit=1)
        first.ack(got)
        self.collect(first, 2, limit=1)
        first.ack(got)
        first.ack(got)
        first.close()
        second = make()
        second.listen()
        back = sorted(self.read(self.collect(second, 2)))
        assert back == [2, 3], f"acknowledging 1 again acknowledged another: of 2 and 3 only {back} came back"

    @needs(Capability.ACK)
    def test_who_was_given_up_cannot_acknowledge(self, make: MakeBroker, publisher: PullBroker) -> None:
        """Fencing: a late acknowledgement of a message that somebody else holds now does nothing."""
        self.send(publisher, 1)
        first = make()
        first.listen()
        late = self.collect(first, 1)
        first.close()
        second = make()
        second.listen()
        again = self.collect(second, 1)
        try:
            first.ack(late)
        except Exception as error:
            assert not isinstance(error, AssertionError)  # refusing is as good as ignoring
        second.close()
        third = make()
        third.listen()
        assert self.read(self.collect(third, 1)) == self.read(again), "a late acknowledgement took a message away"

    @needs(Capability.ACK)
    def test_deliveries_are_counted_where_they_are_repeated(self, make: MakeBroker, publisher: PullBroker) -> None:
        """`attempts` is 1 at first; afterwards 1, as the consumer has ended in order, or 2 or 0 where the server cannot tell."""
        self.send(publisher, 1)
        first = make()
        first.listen()
        (delivery,) = self.collect(first, 1)
        assert delivery.attempts == 1, f"a first delivery says attempts={delivery.attempts}"
        first.close()
        second = make()
        second.listen()
        (again,) = self.collect(second, 1)
        assert again.attempts in {0, 1, 2}, f"a second delivery says attempts={again.attempts}"

    @needs(Capability.ACK)
    def test_turn_acknowledges_and_fetches(self, make: MakeBroker, publisher: PullBroker) -> None:
        """In one go."""
        self.send(publisher, *range(6))
        first = make()
        first.listen()
        got = self.collect(first, 3, limit=3)
        got = list(first.turn(got, 3)) or self.collect(first, 3)
        assert self.read(got) == [3, 4, 5]
        first.turn(got, 3)
        first.close()
        second = make()
        second.listen()
        self.nothing(second)

    @needs(Capability.ACK, Capability.THREADSAFE_ACK)
    def test_acknowledging_does_not_wait_for_a_fetch(self, publisher: PullBroker, consumer: PullBroker) -> None:
        """THREADSAFE_ACK: any thread may settle while another waits for messages."""
        self.send(publisher, *range(5))
        got = self.collect(consumer, 5)
        waiter = threading.Thread(target=consumer.fetch, args=(1, self.quiet + self.patience))
        waiter.start()
        done = threading.Event()

        def settle() -> None:
            for delivery in got:  # one after the other, for nobody can see when it begins to wait
                done.wait(self.quiet / len(got))
                consumer.ack([delivery])
            done.set()

        settler = threading.Thread(target=settle)
        settler.start()
        free = done.wait(self.quiet + self.patience / 2)
        consumer.wake()
        self.send(publisher, 2)  # whatever wake() does, this ends the fetch
        waiter.join(self.patience)
        settler.join(self.patience)
        assert free, "ack() waited for another thread's fetch()"
