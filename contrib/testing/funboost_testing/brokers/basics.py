"""Publishing and fetching."""

from __future__ import annotations

import threading
from time import monotonic
from typing import Any, Callable, ClassVar

import pytest

from funboost_core import BrokerUnavailable, Capability, Environment, Outgoing, PullBroker
from funboost_core.consuming.pushed import Pushed

from ..topics import skip
from .base import BrokerSuite, MakeBroker, lacks, needs

_BODIES = [b'{"n": 1}', b"", b"\x00\xff\xfe", "ä 漢字 🎈".encode(), b" " * 70_000]


class BasicTests(BrokerSuite):
    """Messages go in and come out as they were.

    `names` are queues that must be apart, also where their names are strange; leave out those that the server itself
    cannot tell apart.
    """

    names: ClassVar[tuple[str, ...]] = ("q", "Q", "q2", "q.2", "q_2", "Q/2 'x' \"y\"", "队列", "x" * 150)

    @needs(Capability.PUBLISH)
    def test_what_is_published_is_fetched(self, publisher: PullBroker, consumer: PullBroker) -> None:
        """In the order of publishing."""
        self.send(publisher, 1, 2, 3)
        self.send(publisher, 4)
        assert self.read(self.collect(consumer, 4)) == [1, 2, 3, 4]

    def test_bodies_come_back_to_the_byte(self, publisher: PullBroker, consumer: PullBroker) -> None:
        """Whatever they contain."""
        publisher.publish([Outgoing(body) for body in _BODIES])
        assert [d.body for d in self.collect(consumer, len(_BODIES))] == _BODIES

    @needs(Capability.OBJECTS)
    def test_objects_are_passed_as_they_are(self, publisher: PullBroker, consumer: PullBroker) -> None:
        """Without serialising."""
        message = {"n": object(), "extra": {"task_id": "1"}}
        publisher.publish([Outgoing(message)])
        (delivery,) = self.collect(consumer, 1)
        assert isinstance(delivery.body, dict)
        assert delivery.body["n"] is message["n"]

    def test_no_more_than_the_limit_is_fetched(self, publisher: PullBroker, consumer: PullBroker) -> None:
        """The core counts on it."""
        self.send(publisher, *range(10))
        self.eventually("messages can be fetched", lambda: self._some(consumer))
        assert len(consumer.fetch(3, 0.1)) <= 3

    def _some(self, consumer: PullBroker) -> bool:
        got = consumer.fetch(1, 0.1)
        assert len(got) <= 1
        return bool(got)

    def test_an_empty_fetch_returns_nothing_at_once_without_a_timeout(self, consumer: PullBroker) -> None:
        """Timeout 0 is for looking."""
        start = monotonic()
        assert list(consumer.fetch(10, 0)) == []
        assert monotonic() - start < self.patience / 2, "fetch(timeout=0) of an empty queue waited"

    def test_an_empty_fetch_waits_for_its_timeout(self, consumer: PullBroker) -> None:
        """A broker that returns at once makes the core spin."""
        start = monotonic()
        got = list(consumer.fetch(10, self.quiet))
        took = monotonic() - start
        assert got == []
        assert took >= self.quiet / 2, (
            f"fetch(timeout={self.quiet}) of an empty queue returned after {took:.3f} s: the core would spin"
        )

    def test_an_empty_fetch_ends_with_its_timeout(self, consumer: PullBroker) -> None:
        """One that blocks for ever makes the consumer deaf to everything else."""
        start = monotonic()
        consumer.fetch(10, 0.2)
        took = monotonic() - start
        assert took < 0.2 + self.patience / 2, (
            f"fetch(timeout=0.2) had not returned after {took:.1f} s: it never times out"
        )

    def test_a_waiting_fetch_gets_what_is_published_meanwhile(
        self, publisher: PullBroker, consumer: PullBroker
    ) -> None:
        """Long before its timeout."""
        timer = threading.Timer(0.1, lambda: self.send(publisher, 7))
        timer.start()
        start = monotonic()
        got = self.collect(consumer, 1, wait=self.patience)
        timer.join()
        assert self.read(got) == [7]
        assert monotonic() - start < self.patience / 2, "fetch() slept while a message came"

    def test_wake_ends_the_waiting(self, consumer: PullBroker) -> None:
        """So that stopping does not take a timeout."""
        ended = threading.Event()

        def wake() -> None:  # again and again, for nobody can see whether the fetch waits already
            while not ended.wait(0.1):
                consumer.wake()

        waking = threading.Thread(target=wake)
        waking.start()
        start = monotonic()
        try:
            got = consumer.fetch(10, self.patience)
        finally:
            ended.set()
            waking.join()
        assert not got
        assert monotonic() - start < self.patience / 2, "wake() did not end a fetch that waits"

    def test_queues_are_apart(self, make: MakeBroker, open_raw: Callable[..., Any]) -> None:
        """Each gives what was published to it, and nothing else."""
        consumers = {name: make(name) for name in self.names}
        for consumer in consumers.values():
            consumer.listen()  # first: some servers keep nothing for those who come later
        for name in self.names:
            self.send(open_raw(name), name)
        for name, consumer in consumers.items():
            assert self.read(self.collect(consumer, 1)) == [name]
            self.nothing(consumer)

    @lacks(Capability.OFFSET_ACK)
    @needs(Capability.COUNT)
    def test_count_is_what_waits(self, publisher: PullBroker, consumer: PullBroker) -> None:
        """Fetched ones do not."""
        assert publisher.count() == 0
        self.send(publisher, *range(5))
        self.eventually("5 messages are counted", lambda: publisher.count() == 5)
        got = self.collect(consumer, 2, limit=2)
        self.eventually("3 messages are counted", lambda: publisher.count() == 3)
        self.eventually("3 messages are counted by their consumer", lambda: consumer.count() == 3)
        consumer.ack(got)
        assert publisher.count() == consumer.count() == 3, "count() changed with an acknowledgement"

    @needs(Capability.COUNT, Capability.OFFSET_ACK)
    def test_count_is_what_is_not_finished(self, publisher: PullBroker, consumer: PullBroker) -> None:
        """Where acknowledging is a position, what is fetched still counts, and what is finished behind a gap."""
        assert publisher.count() == 0
        self.send(publisher, *range(5))
        self.eventually("5 messages are counted", lambda: publisher.count() == 5)
        got = self.collect(consumer, 3)
        consumer.ack(got[1:])
        assert publisher.count() == consumer.count() == 5, "the first is not finished"
        consumer.ack(got[:1])
        self.eventually("2 messages are counted", lambda: publisher.count() == 2)
        self.eventually("2 messages are counted by their consumer", lambda: consumer.count() == 2)

    @needs(Capability.PURGE)
    def test_purge_removes_what_waits(self, publisher: PullBroker, consumer: PullBroker) -> None:
        """And nothing later."""
        self.send(publisher, *range(5))
        publisher.purge()
        self.nothing(consumer)
        self.send(publisher, 9)
        assert self.read(self.collect(consumer, 1)) == [9]

    @needs(Capability.PERSISTENT)
    def test_messages_outlive_their_program(self, make: MakeBroker, environment: Environment) -> None:
        """Its end changes nothing: another one with the same settings finds them."""
        first = self.program(environment.settings.values)
        publisher = make(program=first)
        self.send(publisher, 1, 2)
        publisher.close()
        first.close()
        second = self.program(environment.settings.values)
        consumer = make(program=second)
        consumer.listen()
        assert self.read(self.collect(consumer, 2)) == [1, 2], "what was published ended with its program"
        consumer.close()
        second.close()

    def test_errors_are_raised_and_end(
        self, request: pytest.FixtureRequest, publisher: PullBroker, consumer: PullBroker, cut: Any
    ) -> None:
        """A broker that swallows them makes the consumer seem to work while it is deaf."""
        if cut is None:
            skip(request, "the suite's fixture `cut` does not say how to make the server unreachable")
        self.send(publisher, 1)
        with cut():
            steps: list[Callable[[], Any]] = [lambda: self.send(publisher, 2)]
            if not isinstance(consumer, Pushed):  # its errors are between `run` and who calls it again
                steps.append(lambda: consumer.fetch(1, 0.1))
            for what in steps:
                try:
                    answer = what()
                except Exception as error:
                    assert isinstance(error, BrokerUnavailable), f"it must be BrokerUnavailable: {error!r}"
                else:
                    raise AssertionError(f"the server was away and the error was swallowed: {answer!r}")
        self.send(publisher, 3)
        assert self.read(self.collect(consumer, 2)) == [1, 3]

    def test_close_can_be_called_twice(self, make: MakeBroker) -> None:
        """Shutting down is not always orderly."""
        broker = make()
        broker.listen()
        broker.close()
        broker.close()
