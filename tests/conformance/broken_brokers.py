"""Brokers that are wrong in one way each, and what the suite must say of them.

All derive from the memory broker, which passes.  `names` are the tests that must fail, because their names say what is
wrong; `also` those that fail as a consequence.  Everything else has to pass, so that a failure points to its cause.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from weakref import WeakKeyDictionary

from funboost_broker_memory_queue import plugin
from funboost_broker_memory_queue.broker import MemoryBroker
from pydantic import BaseModel, ConfigDict

from funboost_core import (
    BrokerSpec,
    BrokerUnavailable,
    Capability,
    Delivery,
    Outgoing,
    PullBroker,
    hookimpl,
)

MEMORY = plugin.funboost_brokers()[0]


IDLE_BEAT = (
    "test_every_message_runs_once",
    "test_bad_messages_do_not_stop_it",
    "test_failures_are_retried_and_given_up",
    "test_stopping_leaves_no_thread_behind",
    "test_an_error_of_the_broker_is_told_and_survived",
)
"""Where messages are consumed and requeue() is wrong: what has not started is given back at each beat in which nothing
ended, so a thread that stands still for that long is enough."""


class Broken(MemoryBroker):
    names: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    more = less = Capability(0)  # what is declared beyond or below the truth
    options = MEMORY.options
    plugins: tuple[str, ...] = ()  # modules that the suite registers; without, it is given this one


class LosesOnCrash(Broken):
    """What is held when the connection ends is gone."""

    names = ("test_what_is_not_acknowledged_comes_back",)
    also = (
        "test_fetching_on_acknowledges_nothing",
        "test_acknowledging_twice_does_no_harm",
        "test_who_was_given_up_cannot_acknowledge",
        "test_deliveries_are_counted_where_they_are_repeated",
        "test_what_comes_back_keeps_its_priority",
    )

    def close(self):
        self._held.clear()
        super().close()


class AcknowledgesEarly(Broken):
    """Each fetch acknowledges what was fetched before, as consumers do that commit automatically."""

    names = ("test_fetching_on_acknowledges_nothing",)
    also = (
        "test_acknowledging_twice_does_no_harm",
        "test_what_comes_back_keeps_its_priority",
        "test_failures_are_retried_and_given_up",
        "test_stopping_gives_back_what_was_not_started",
    )

    def fetch(self, limit, timeout):
        self.ack(list(self._held))
        return super().fetch(limit, timeout)


class AcknowledgesTwice(Broken):
    """Acknowledges by position: what is not held any more hits the oldest that is."""

    names = ("test_acknowledging_twice_does_no_harm",)

    def ack(self, deliveries):
        for delivery in deliveries:
            known = delivery if delivery in self._held else next(iter(self._held), None)
            self._held.pop(known, None)


class AcknowledgesForOthers(Broken):
    """No fencing: an acknowledgement counts, whoever holds the message by now."""

    names = ("test_who_was_given_up_cannot_acknowledge",)
    everywhere: dict[bytes, list[MemoryBroker]] = {}

    def fetch(self, limit, timeout):
        got = super().fetch(limit, timeout)
        for delivery in got:
            self.everywhere[str(delivery.body)] = self
        return got

    def ack(self, deliveries):
        for delivery in deliveries:
            holder = self.everywhere.get(str(delivery.body))
            for held in [held for held in list(holder._held) if held.body == delivery.body] if holder else ():
                holder._held.pop(held, None)


class NeverTimesOut(Broken):
    """A fetch that has begun to wait ends only with a message or `wake`."""

    names = ("test_an_empty_fetch_ends_with_its_timeout",)
    only = (
        *names,
        "test_what_is_published_is_fetched",
        "test_bodies_come_back_to_the_byte",
        "test_no_more_than_the_limit_is_fetched",
        "test_an_empty_fetch_returns_nothing_at_once_without_a_timeout",
        "test_wake_ends_the_waiting",
        "test_close_can_be_called_twice",
    )
    suite_patience = 12.0  # half of which each fetch takes

    def fetch(self, limit, timeout):
        return super().fetch(limit, 1_000_000 if timeout else 0)


class ReturnsAtOnce(Broken):
    """Does not wait at all: the core spins."""

    names = ("test_an_empty_fetch_waits_for_its_timeout",)

    def fetch(self, limit, timeout):
        return super().fetch(limit, 0)


class Duplicates(Broken):
    """With several consumers some messages go to two of them."""

    names = ("test_competing_consumers_share_without_duplicates",)
    taken = 0
    listening: WeakKeyDictionary[object, set[object]] = WeakKeyDictionary()

    def listen(self):
        self.listening.setdefault(self._queue, set()).add(self)

    def fetch(self, limit, timeout):
        got = super().fetch(limit, timeout)
        if len(self.listening.get(self._queue, ())) > 1:
            for delivery in got:
                self.taken += 1
                if self.taken == 20:
                    self._queue.append(Delivery(delivery.body, delivery.tag, 1))
        return got

    def close(self):
        self.listening.get(self._queue, set()).discard(self)
        super().close()


class IgnoresPriority(Broken):
    names = ("test_higher_priorities_are_fetched_first",)
    also = ("test_what_comes_back_keeps_its_priority",)

    def publish(self, messages):
        super().publish([Outgoing(message.body, 0, message.due, message.attempts) for message in messages])


class ForgetsPriority(Broken):
    """What comes back after a crash waits behind the others."""

    names = ("test_what_comes_back_keeps_its_priority",)

    def close(self):
        for delivery in self._held:
            delivery.tag = 0
        super().close()


class IgnoresDue(Broken):
    names = ("test_nothing_is_fetched_before_it_is_due",)
    also = ("test_forwarding_to_the_own_queue_puts_a_message_off",)

    def publish(self, messages):
        super().publish([Outgoing(message.body, message.priority, None, message.attempts) for message in messages])

    def forward(self, delivery, message, queue):
        super().forward(delivery, Outgoing(message.body, message.priority, None, message.attempts), queue)


class ClaimsCount(Broken):
    names = (
        "test_a_method_is_there_exactly_if_its_capability_is_declared[COUNT]",
        "test_count_is_what_waits",
    )
    count = PullBroker.count


class ClaimsSecondQueue(Broken):
    names = ("test_a_method_is_there_exactly_if_its_capability_is_declared[SECOND_QUEUE]",)
    also = (
        "test_forward_moves_a_message",
        "test_forwarding_what_was_settled_does_nothing",
        "test_forwarding_to_the_own_queue_puts_a_message_off",
        "test_what_is_put_off_in_order_is_no_delivery_more",
        "test_failures_are_retried_and_given_up",
    )
    forward = PullBroker.forward


class ClaimsPersistent(Broken):
    names = ("test_messages_outlive_their_program",)
    more = Capability.PERSISTENT


class ClaimsCrossProcess(Broken):
    names = ("test_other_processes_publish_to_the_same_queue",)
    also = (
        "test_what_a_killed_process_held_comes_back",
        "test_declaring_imports_no_client",  # this module does, for it is no plugin as they should be
    )
    more = Capability.CROSS_PROCESS
    plugins = ("broken_brokers",)


class ClaimsObjects(Broken):
    """Copies what it is given."""

    names = ("test_objects_are_passed_as_they_are",)

    def publish(self, messages):
        def copied(body):
            return {key: body[key] if isinstance(body[key], (dict, int, str)) else str(body[key]) for key in body}

        super().publish(
            [
                Outgoing(copied(m.body) if isinstance(m.body, dict) else m.body, m.priority, m.due, m.attempts)
                for m in messages
            ]
        )


class ClaimsThreadsafeAck(Broken):
    """Acknowledging waits for the fetch of another thread."""

    names = ("test_acknowledging_does_not_wait_for_a_fetch",)

    def __init__(self, context):
        super().__init__(context)
        self._turn = threading.RLock()

    def fetch(self, limit, timeout):
        with self._turn:
            return super().fetch(limit, timeout)

    def ack(self, deliveries):
        with self._turn:
            super().ack(deliveries)


class HidesCount(Broken):
    names = ("test_a_method_is_there_exactly_if_its_capability_is_declared[COUNT]",)
    less = Capability.COUNT


class HidesPriority(Broken):
    names = ("test_priority_is_declared_where_it_is_there",)
    less = Capability.PRIORITY


class HidesDelay(Broken):
    names = ("test_delay_is_declared_where_it_is_there",)
    less = Capability.DELAY


class ForgetsAtDrain(Broken):
    """What is given back is dropped."""

    names = (
        "test_what_is_requeued_can_be_fetched_again",
        "test_stopping_gives_back_what_was_not_started",
    )
    also = (
        "test_another_consumer_may_get_what_is_requeued",
        "test_what_is_requeued_again_and_again_is_no_delivery_more",
        *IDLE_BEAT,
    )

    def requeue(self, deliveries):
        self.ack(deliveries)


class RequeuesTheSettled(Broken):
    """Gives back without looking whether it still holds the message."""

    names = ("test_requeueing_what_was_acknowledged_does_nothing",)

    def requeue(self, deliveries):
        for delivery in deliveries:
            self._held.pop(delivery, None)
            self._queue.put(Delivery(delivery.body, delivery.tag, delivery.attempts), None)


class LeaksThread(Broken):
    """Starts a thread when it is opened and forgets it when it is closed."""

    names = ("test_stopping_leaves_no_thread_behind",)

    def open(self):
        super().open()
        threading.Thread(target=threading.Event().wait, name="forgotten", daemon=True).start()


class SwallowsErrors(Broken):
    """A fetch that fails says that there is nothing."""

    names = ("test_errors_are_raised_and_end",)
    also = ("test_an_error_of_the_broker_is_told_and_survived",)
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
            raise BrokerUnavailable(kind="SWALLOWS", error="away")
        super().publish(messages)

    def fetch(self, limit, timeout):
        try:
            if self.away:
                raise ConnectionError("away")
            return super().fetch(limit, timeout)
        except ConnectionError:
            return ()


class RaisesItsOwn(SwallowsErrors):
    """Raises what its client raises, which the core cannot tell from a defect."""

    also = ()

    def fetch(self, limit, timeout):
        if self.away:
            raise OSError("away")
        return MemoryBroker.fetch(self, limit, timeout)


class ForwardLoses(Broken):
    """Acknowledges, and then publishes nowhere."""

    names = ("test_forward_moves_a_message",)
    also = ("test_forwarding_what_was_settled_does_nothing",)

    def forward(self, delivery, message, queue):
        if queue == self.context.queue:
            super().forward(delivery, message, queue)
        else:
            self.ack([delivery])


class ForwardCopies(Broken):
    """Publishes before it looks whether it still holds the message."""

    names = ("test_forwarding_what_was_settled_does_nothing",)

    def forward(self, delivery, message, queue):
        other = type(self)(type(self.context)("", queue, self.context.options, self.context.environment, None))
        other.publish([message])
        self.ack([delivery])


class ForwardKeeps(Broken):
    """Publishes to the other queue and does not acknowledge."""

    names = ("test_forward_moves_a_message",)
    also = (
        "test_forwarding_what_was_settled_does_nothing",
        "test_failures_are_retried_and_given_up",
    )

    def forward(self, delivery, message, queue):
        held = dict(self._held)
        super().forward(delivery, message, queue)
        self._held = held


class ChangesBytes(Broken):
    """Takes bodies for text."""

    names = ("test_bodies_come_back_to_the_byte",)

    def publish(self, messages):
        def text(body):
            return body.decode("utf-8", "replace").encode() if isinstance(body, bytes) else body

        super().publish([Outgoing(text(m.body), m.priority, m.due, m.attempts) for m in messages])


class MiscountsAttempts(Broken):
    """Counts twice what is still held at the end."""

    names = ("test_deliveries_are_counted_where_they_are_repeated",)

    def close(self):
        for delivery in self._held:
            delivery.attempts += 2
        super().close()


class CountsForwards(Broken):
    """Takes what is put off for a delivery that failed."""

    names = ("test_what_is_put_off_in_order_is_no_delivery_more",)

    def forward(self, delivery, message, queue):
        attempts = message.attempts + 1
        super().forward(delivery, Outgoing(message.body, message.priority, message.due, attempts), queue)


class CountsRequeues(Broken):
    names = (
        "test_what_is_requeued_can_be_fetched_again",
        "test_what_is_requeued_again_and_again_is_no_delivery_more",
    )

    def requeue(self, deliveries):
        for delivery in deliveries:
            delivery.attempts += 1
        super().requeue(deliveries)


class WakeDoesNothing(Broken):
    names = ("test_wake_ends_the_waiting",)

    def wake(self):
        pass


class IgnoresTheLimit(Broken):
    names = ("test_no_more_than_the_limit_is_fetched",)
    also = (
        "test_fetching_on_acknowledges_nothing",
        "test_acknowledging_twice_does_no_harm",
        "test_higher_priorities_are_fetched_first",
        "test_what_comes_back_keeps_its_priority",
        "test_turn_acknowledges_and_fetches",
        "test_count_is_what_waits",
    )

    def fetch(self, limit, timeout):
        return super().fetch(1000, timeout)


class PurgesNothing(Broken):
    names = ("test_purge_removes_what_waits",)

    def purge(self):
        pass


class CountsWhatIsHeld(Broken):
    names = ("test_count_is_what_waits",)

    def count(self):
        return super().count() + len(self._held)


class MixesQueues(Broken):
    """Names are taken for the same that differ only in case."""

    names = ("test_queues_are_apart",)

    def __init__(self, context):
        context.queue = context.queue.lower()
        super().__init__(context)


class UndocumentedOptions(Broken):
    names = ("test_options_are_a_documented_model",)

    class options(BaseModel):
        model_config = ConfigDict(extra="forbid", frozen=True)
        pull_msg_batch_size: int = 100


class ImportsClient(Broken):
    """Nothing is wrong with it but the module that declares it."""

    names = ("test_declaring_imports_no_client",)
    plugins = ("client_plugin",)


BROKEN = {cls.__name__: cls for cls in vars().copy().values() if isinstance(cls, type) and cls.__module__ == __name__}
del BROKEN["Broken"]


@hookimpl
def funboost_brokers():
    return [
        BrokerSpec(
            kind=name,
            factory=cls,
            capabilities=(MEMORY.capabilities | cls.more) & ~cls.less,
            options=cls.options,
            summary=(cls.__doc__ or name).strip(),
        )
        for name, cls in BROKEN.items()
        if cls.plugins != ("client_plugin",)
    ]
