"""Push brokers that are wrong in one way each, and what the suite must say of them; see `broken_brokers`."""

from __future__ import annotations

import threading
from contextlib import contextmanager

from broken_brokers import IDLE_BEAT
from push_brokers import MEMORY, MOMENT, CalledBack, Dropping, Lines, Refusing, Subscribed, Unstored

from funboost_core import BrokerSpec, BrokerUnavailable, Capability, Delivery, Overflow, PushBroker, hookimpl


class BlocksTheSink(Lines):
    """Ignores credit: puts a message again and again until it is accepted, whatever happens meanwhile."""

    names = ("test_it_does_not_spin_without_credit", "test_stop_ends_run_with_a_message_in_hand")
    only = (
        *names,
        "test_what_is_published_is_put",
        "test_run_lasts_until_stop",
        "test_stop_ends_run",
        "test_run_can_be_called_again",
    )
    patience = 5.0  # of who publishes, and is held up
    suite_patience = 12.0

    def may_read(self, sink):
        return True

    def answer(self, sink, delivery):
        while not sink.put(delivery):
            self.context.clock.sleep(0.0005)
        return b"ok\n"


class LosesWithoutCredit(Dropping):
    """Takes `put` for something that always works."""

    names = ("test_what_comes_without_credit_meets_the_declared_rule",)
    also = ("test_what_was_accepted_runs_around_a_stop", "test_what_is_in_hand_when_run_fails_is_left")
    overflow = Overflow.STOP_READING


class AcknowledgesBeforeTheRun(CalledBack):
    """As clients do that acknowledge when their callback returns."""

    names = ("test_what_is_not_acknowledged_comes_back",)
    also = (
        "test_fetching_on_acknowledges_nothing",
        "test_acknowledging_twice_does_no_harm",
        "test_who_was_given_up_cannot_acknowledge",
        "test_deliveries_are_counted_where_they_are_repeated",
        "test_what_is_requeued_can_be_fetched_again",
        "test_what_is_requeued_again_and_again_is_no_delivery_more",
        "test_another_consumer_may_get_what_is_requeued",
        "test_what_was_put_and_not_fetched_goes_back",
        "test_what_was_accepted_runs_around_a_stop",
        "test_stopping_gives_back_what_was_not_started",
        *IDLE_BEAT,
    )

    def run(self, sink, stop):
        broker = self

        class Acknowledging:
            wait = sink.wait

            def put(self, delivery):
                accepted = sink.put(delivery)
                if accepted:
                    broker.ack([delivery])
                return accepted

        super().run(Acknowledging(), stop)


class ForgetsPrefetched(CalledBack):
    """What is given back is dropped."""

    names = ("test_what_was_put_and_not_fetched_goes_back", "test_stopping_gives_back_what_was_not_started")
    also = (
        "test_what_is_requeued_can_be_fetched_again",
        "test_what_is_requeued_again_and_again_is_no_delivery_more",
        "test_another_consumer_may_get_what_is_requeued",
        "test_what_was_accepted_runs_around_a_stop",
        *IDLE_BEAT,
    )

    def requeue(self, deliveries):
        self.ack(deliveries)


class LosesWhatIsAhead(Unstored):
    """Forgets at the end what it has received ahead of credit."""

    names = ("test_what_was_accepted_runs_around_a_stop",)
    also = ("test_what_is_in_hand_when_run_fails_is_left",)

    def ended(self, sink, arrived): ...


class LosesWhatAFailedRunHeld(Unstored):
    """Leaves what it has received only where `run` ends in good order."""

    names = ("test_what_is_in_hand_when_run_fails_is_left",)

    def ended(self, sink, arrived):
        if sink.stop.is_set():
            super().ended(sink, arrived)


class LeaksItsThread(CalledBack):
    """Leaves a thread of its client behind."""

    names = ("test_stopping_leaves_no_thread_behind",)

    def run(self, sink, stop):
        threading.Thread(target=threading.Event().wait, name="forgotten", daemon=True).start()
        super().run(sink, stop)


class GoesDeaf(Subscribed):
    """An error ends its receiving, and nobody is told."""

    names = ("test_it_hears_again_after_a_cut",)
    also = ("test_errors_are_raised_and_end",)
    away = False

    @classmethod
    @contextmanager
    def cut(cls):
        cls.away = True
        try:
            yield
        finally:
            cls.away = False

    def publish(self, messages):
        if self.away:
            raise BrokerUnavailable(kind="DEAF", error="away")
        super().publish(messages)

    def run(self, sink, stop):
        while not stop.is_set():
            if self.away:
                stop.wait()
            credit = sink.wait(0.05)
            for delivery in self._client.fetch(credit, 0.05) if credit else ():
                self.put(sink, delivery)


class ClaimsAck(Lines):
    """Says that messages stay its own until they are acknowledged, and cannot acknowledge."""

    names = ("test_a_method_is_there_exactly_if_its_capability_is_declared[ACK]",)
    also = ("test_what_was_put_and_not_fetched_goes_back", "test_what_was_accepted_runs_around_a_stop")
    capabilities = Capability.PUBLISH | Capability.ACK | Capability.THREADSAFE_ACK


class HidesAck(CalledBack):
    """Can acknowledge, and does not say so."""

    names = ("test_a_method_is_there_exactly_if_its_capability_is_declared[ACK]",)
    also = (
        "test_requeueing_what_was_acknowledged_does_nothing",
        "test_stopping_gives_back_what_was_not_started",
        "test_what_was_accepted_runs_around_a_stop",
    )
    capabilities = Capability.PUBLISH | Capability.REQUEUE | Capability.THREADSAFE_ACK
    receive_maximum = 10_000


class ReturnsAtOnce(CalledBack):
    """Starts its client and returns, as the documentation of clients often shows."""

    names = ("test_run_lasts_until_stop",)
    also = ("test_stop_ends_run", "test_run_can_be_called_again", "test_stopping_leaves_no_thread_behind")

    def run(self, sink, stop):
        if not hasattr(self, "_started"):
            self._started = threading.Thread(target=super().run, args=(sink, stop), daemon=True)
            self._started.start()


class StopsLate(Lines):
    """Waits for something else than stop."""

    names = ("test_stop_ends_run",)
    also = ("test_stop_ends_run_with_a_message_in_hand",)
    only = (
        *names,
        *also,
        "test_what_is_published_is_put",
        "test_it_does_not_spin_without_credit",
        "test_run_lasts_until_stop",
    )

    def run(self, sink, stop):
        super().run(sink, stop)
        self.context.clock.sleep(5)


class RunsOnce(Lines):
    """Cannot be called again after it has ended."""

    names = ("test_run_can_be_called_again",)
    also = ("test_an_error_of_the_broker_is_told_and_survived",)
    ran = False

    def run(self, sink, stop):
        if self.ran:
            stop.wait()
        self.ran = True
        super().run(sink, stop)


class SaysItRefuses(Dropping):
    """Drops, and has declared that it refuses."""

    names = ("test_what_comes_without_credit_meets_the_declared_rule",)
    also = ("test_what_was_accepted_runs_around_a_stop",)
    overflow = Overflow.REFUSE


class SaysItDrops(Refusing):
    """Refuses, and has declared that it drops."""

    names = ("test_what_comes_without_credit_meets_the_declared_rule",)
    overflow = Overflow.DROP


class DropsUncounted(Dropping):
    """Drops by itself where there is no credit, so that nobody counts."""

    names = ("test_what_comes_without_credit_meets_the_declared_rule",)

    def answer(self, sink, delivery):
        if sink.wait(MOMENT):
            sink.put(delivery)
        return b"ok\n"


class Doubles(Lines):
    """Puts each message twice."""

    names = ("test_what_is_published_is_put",)
    patience = 5.0
    also = ("test_every_message_runs_once",)
    only = (
        *names,
        *also,
        "test_it_does_not_spin_without_credit",
        "test_run_lasts_until_stop",
        "test_stop_ends_run",
        "test_run_can_be_called_again",
    )

    def answer(self, sink, delivery):
        sink.put(Delivery(delivery.body))
        return super().answer(sink, delivery)


BROKEN = {
    cls.__name__: cls
    for cls in vars().copy().values()
    if isinstance(cls, type) and issubclass(cls, PushBroker) and hasattr(cls, "names")
}


def served(cls):
    """Whether it has a server that keeps messages."""
    return issubclass(cls, (Subscribed, CalledBack, Unstored))


def declared(cls):
    if issubclass(cls, Subscribed):
        return MEMORY.capabilities
    more = Capability.ACK | Capability.REQUEUE if issubclass(cls, CalledBack) else Capability(0)
    return getattr(cls, "capabilities", Capability.PUBLISH | Capability.THREADSAFE_ACK | more)


@hookimpl
def funboost_brokers():
    return [
        BrokerSpec(name, cls, declared(cls), MEMORY.options if issubclass(cls, Subscribed) else None, str(cls.__doc__))
        for name, cls in BROKEN.items()
    ]
