"""A log with one partition, in memory: what an OFFSET_ACK broker is, as small as it can be.  And broken ones."""

from __future__ import annotations

from threading import Condition
from weakref import WeakKeyDictionary

from broken_brokers import IDLE_BEAT

from funboost_core import BrokerSpec, Capability, Delivery, Outgoing, PullBroker, hookimpl
from funboost_core.ports.offsets import OffsetWindow

C = Capability
CAN = C.ACK | C.REQUEUE | C.PUBLISH | C.COUNT | C.OFFSET_ACK | C.THREADSAFE_ACK


class Log:
    def __init__(self):
        self.changed = Condition()
        self.bodies = []
        self.committed = 0
        self.members = []  # the first of them has the partition


class LogBroker(PullBroker):
    """Right."""

    names: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    logs: WeakKeyDictionary[object, dict[str, Log]] = WeakKeyDictionary()
    window = OffsetWindow

    def open(self):
        self._log = self.logs.setdefault(self.context.environment, {}).setdefault(self.context.queue, Log())
        self._window = None
        self._woken = False

    def publish(self, messages):
        with self._log.changed:
            self._log.bodies += [message.body for message in messages]
            self._log.changed.notify_all()

    def listen(self):
        self._log.members.append(self)

    def fetch(self, limit, timeout):
        log = self._log
        with log.changed:
            log.changed.wait_for(lambda: self._woken or self._there(), timeout)
            self._woken = False
            return [delivery for _ in range(limit) if self._there() and (delivery := self._next())]

    def _there(self):
        log = self._log
        if self._window is None and log.members[:1] == [self]:
            self._window, self._position = self.window(100_000), log.committed
        return self._window is not None and self._window.room > 0 and self._position < len(log.bodies)

    def _next(self):
        delivery = Delivery(self._log.bodies[self._position], self._position)
        self._window.hand_out(self._position, delivery)
        self._position += 1
        return delivery

    def wake(self):
        with self._log.changed:
            self._woken = True
            self._log.changed.notify_all()

    def ack(self, deliveries):
        with self._log.changed:
            if self._window is not None:
                for delivery in deliveries:
                    self._window.finish(delivery.tag)
                self._commit()

    def _commit(self):
        position = self._window.advance()
        if position is not None:
            self._log.committed = position
            self._window.confirm()

    def requeue(self, deliveries):
        with self._log.changed:
            ours = [d for d in deliveries if self._window is not None and self._window.holds(d.tag)]
            self.publish([Outgoing(delivery.body) for delivery in ours])
        self.ack(ours)

    def count(self):
        return len(self._log.bodies) - self._log.committed

    def close(self):
        with self._log.changed:
            if self in self._log.members:
                self._log.members.remove(self)
            self._window = None
            self._log.changed.notify_all()


class CommitsWhatIsNewest(LogBroker):
    """The position is that of the last acknowledgement, as when each message is committed by itself."""

    names = ("test_what_is_finished_behind_a_gap_is_repeated_and_nothing_lost", "test_count_is_what_is_not_finished")

    def ack(self, deliveries):
        super().ack(deliveries)
        if self._window is not None:
            self._log.committed = max([self._log.committed, *(delivery.tag + 1 for delivery in deliveries)])


class CommitsAtFetch(LogBroker):
    """As the automatic commit of client libraries does."""

    names = ("test_fetching_on_acknowledges_nothing",)
    also = (
        "test_what_is_not_acknowledged_comes_back",
        "test_acknowledging_twice_does_no_harm",
        "test_who_was_given_up_cannot_acknowledge",
        "test_deliveries_are_counted_where_they_are_repeated",
        "test_what_is_finished_behind_a_gap_is_repeated_and_nothing_lost",
        "test_what_is_finished_in_any_order_is_finished",
        "test_count_is_what_is_not_finished",
        "test_stopping_gives_back_what_was_not_started",
    )

    def fetch(self, limit, timeout):
        got = super().fetch(limit, timeout)
        if got:
            self._log.committed = got[-1].tag + 1
        return got


class NeverCatchesUp(LogBroker):
    """Commits only what is finished in the order in which it was fetched; what was early is forgotten."""

    names = ("test_what_is_finished_in_any_order_is_finished", "test_count_is_what_is_not_finished")
    also = ("test_every_message_runs_once", "test_stopping_gives_back_what_was_not_started")

    def ack(self, deliveries):
        for delivery in deliveries:
            if delivery.tag == self._log.committed:
                super().ack([delivery])


class RepublishesWhatIsSettled(LogBroker):
    """Gives back what it does not hold any more."""

    names = ("test_requeueing_what_was_acknowledged_does_nothing",)

    def requeue(self, deliveries):
        self.publish([Outgoing(delivery.body) for delivery in deliveries])
        self.ack(deliveries)


class ForgetsAfterPublishing(LogBroker):
    """Publishes again what is given back and does not finish it: it runs twice."""

    names = ("test_stopping_gives_back_what_was_not_started",)
    also = IDLE_BEAT

    def requeue(self, deliveries):
        ours = [d for d in deliveries if self._window is not None and self._window.holds(d.tag)]
        self.publish([Outgoing(delivery.body) for delivery in ours])


BROKEN = {
    cls.__name__: cls
    for cls in vars().copy().values()
    if isinstance(cls, type) and issubclass(cls, LogBroker) and cls is not LogBroker
}


@hookimpl
def funboost_brokers():
    return [
        BrokerSpec(kind=cls.__name__, factory=cls, capabilities=CAN, summary=cls.__doc__)
        for cls in (LogBroker, *BROKEN.values())
    ]
