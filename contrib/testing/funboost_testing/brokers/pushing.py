"""Brokers that call us: credit, the overflow rule, the life of `run`, and what becomes of what they have put."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Callable

import pytest

from funboost_core import BrokerUnavailable, Capability, Environment, Overflow, PushBroker
from funboost_core.consuming.pushed import Pushed
from funboost_core.consuming.sink import Sink
from funboost_core.errors import PublishError
from funboost_core.records import resolve

from ..calls import Call
from ..topics import skip
from .base import MakeBroker, needs
from .working import Notes, WorkingTests

_LONG = 2.0
"""Seconds in which `run` looks again, and in which publishing that waits for nothing has ended."""


class Running:
    """A broker's `run` and the sink that it fills, without a consumer: credit is what a test asks for."""

    def __init__(self, broker: PushBroker) -> None:
        self.broker = broker
        self.begin()

    def begin(self) -> None:
        """Call `run` with a new sink."""
        self.sink = Sink(self.broker.context.clock)
        self.call = Call(self.broker.run, self.sink, self.sink.stop)

    def ends(self, seconds: float) -> bool:
        """Stop it; whether it returned in time."""
        self.sink.close()
        self.broker.wake()
        return not self.call.running(seconds)


class PushingTests(WorkingTests):
    """`run` puts what the sink has credit for, keeps to its overflow rule beyond that, and ends when it is told to."""

    @pytest.fixture
    def sender(self, open_raw: Callable[..., Any]) -> PushBroker:
        """A broker object that only publishes."""
        broker = open_raw()
        assert isinstance(broker, PushBroker), f"{self.kind} is no PushBroker"
        return broker

    @pytest.fixture
    def running(self, open_raw: Callable[..., Any]) -> Iterator[Running]:
        """A broker that runs."""
        running = Running(open_raw())
        yield running
        running.ends(self.patience)

    def held(self, broker: PushBroker) -> int | None:
        """How many messages it has received ahead of credit.

        To be overridden where a server delivers them after it has confirmed them, so that they have been received some time
        after they were published; None means that they are here then.
        """
        return None

    def _sending(self, sender: PushBroker, *numbers: int) -> Call:
        """Publish on another thread: a broker whose rule is to wait may do so."""
        return Call(self._send, sender, *numbers)

    def _send(self, sender: PushBroker, *numbers: int) -> list[int]:
        """The numbers that could be published."""
        sent = []
        for number in numbers:
            with suppress(BrokerUnavailable):
                self.send(sender, number)
                sent.append(number)
        return sent

    def _take(self, running: Running, count: int, limit: int) -> list[Any]:
        """The numbers of `count` messages, asked for by `limit`."""
        got: list[Any] = []

        def enough() -> bool:
            taken = running.sink.take(limit, 0.05)
            running.broker.ack(taken)
            got.extend(self.read(taken))
            return len(got) >= count

        self.eventually(f"{count} messages are put", enough)
        return got

    # -- putting ----------------------------------------------------------------------------------------------------

    def test_what_is_published_is_put(self, sender: PushBroker, running: Running) -> None:
        """In the order of publishing, while there is credit."""
        sending = self._sending(sender, *range(10))
        assert self._take(running, 10, limit=10) == list(range(10))
        assert sending.result() == list(range(10))

    def test_what_comes_without_credit_meets_the_declared_rule(self, sender: PushBroker, running: Running) -> None:
        """It waits, is refused, or is dropped and counted; never one instead of the other."""
        self._take_one(sender, running)
        rule, sending = running.broker.overflow, self._sending(sender, *range(5))
        if rule is Overflow.STOP_READING:
            sending.running(self.quiet)
            got = self._take(running, 5, limit=1)
            assert got == list(range(5)), f"put without credit, and lost, doubled or reordered: {got}"
            return
        sent = sending.result()
        if rule is Overflow.REFUSE:
            assert sent == [], f"there was no credit, and publishing {sent} was not refused"
        else:
            assert sent == list(range(5)), "to drop is not to refuse: publishing must work"
            self.eventually("5 drops are counted by put()", lambda: running.sink.refused >= 5)
        left = self.read(running.sink.take(10, self.quiet))
        assert left == [], f"{left} came although the rule is {rule.value!r}"

    def _take_one(self, sender: PushBroker, running: Running) -> None:
        """Until it is ready to receive, there is no rule to be seen; afterwards all credit is used up."""
        sending = self._sending(sender, -1)
        assert self._take(running, 1, limit=1) == [-1]
        sending.result()

    def test_it_does_not_spin_without_credit(self, sender: PushBroker, running: Running) -> None:
        """A message in hand waits for credit with `wait`, or for something else; it is not put again and again."""
        if running.broker.overflow is Overflow.DROP:
            pytest.skip(f"{self.kind} drops what there is no credit for")
        self._take_one(sender, running)
        self._sending(sender, 1).running(self.quiet)
        running.sink.refused = 0
        self.watch(lambda: running.sink.refused >= 50)
        assert running.sink.refused < 50, f"put() was called {running.sink.refused} times without credit"

    # -- running ----------------------------------------------------------------------------------------------------

    def test_run_lasts_until_stop(self, running: Running) -> None:
        """One that returns is called again, and would do everything twice."""
        assert running.call.running(self.quiet), "run() returned although stop is not set"

    def test_stop_ends_run(self, sender: PushBroker, running: Running) -> None:
        """Soon, also where nothing comes."""
        self._take_one(sender, running)
        assert running.ends(self.patience), f"run() went on for {self.patience} s after stop was set"

    def test_stop_ends_run_with_a_message_in_hand(self, sender: PushBroker, running: Running) -> None:
        """While there is no credit for it."""
        self._take_one(sender, running)
        self._sending(sender, 1).running(self.quiet)
        assert running.ends(self.patience), f"run() held on to a message without credit, {self.patience} s after stop"

    def test_run_can_be_called_again(self, sender: PushBroker, running: Running) -> None:
        """As it is when it has raised."""
        self._take_one(sender, running)
        assert running.ends(self.patience)
        running.begin()
        self._sending(sender, 7)
        assert self._take(running, 1, limit=1) == [7]

    def test_it_hears_again_after_a_cut(
        self, request: pytest.FixtureRequest, environment: Environment, cut: Any
    ) -> None:
        """The server was away: `run` raises and is called again, or connects again by itself; it is never deaf."""
        if cut is None:
            skip(request, "the suite's fixture `cut` does not say how to make the server unreachable")
        notes = Notes()
        task = self._task(environment, lambda x: notes.add(x))
        task.consume()
        task.push(1)
        notes.wait_for(1, self.patience)
        with cut():
            self.watch()

        def pushed() -> bool:
            with suppress(Exception):
                task.push(2)
                return True
            return False

        self.eventually("it can be published again", pushed)
        assert set(notes.wait_for(2, self.patience)) == {1, 2}

    # -- what was put -----------------------------------------------------------------------------------------------

    def test_what_was_put_and_not_fetched_goes_back(
        self, request: pytest.FixtureRequest, capabilities: Capability, make: MakeBroker, sender: PushBroker
    ) -> None:
        """Once its consumer closes: with REQUEUE by that, else, with ACK, by the end of the connection."""
        if not capabilities & (Capability.ACK | Capability.REQUEUE):
            skip(request, f"{self.kind} declares neither ACK nor REQUEUE")
        first = make()
        assert isinstance(first, Pushed)
        first.listen()
        assert not first.fetch(5, 0)  # asked for, but nobody comes for it
        sending = self._sending(sender, *range(5))
        self.eventually("5 messages are put", lambda: not first.sink.credit())
        sending.result()
        first.close()
        second = make()
        second.listen()
        back = sorted(self.read(self.collect(second, 5)))
        assert back == [0, 1, 2, 3, 4], f"forgotten at the end: only {back} came back"

    def test_what_is_in_hand_when_run_fails_is_left(
        self, request: pytest.FixtureRequest, capabilities: Capability, sender: PushBroker, running: Running
    ) -> None:
        """A `run` that has raised may not be called again before the consumer ends: then `close` leaves what it holds."""
        broker, sink = running.broker, running.sink
        if capabilities & (Capability.ACK | Capability.REQUEUE) or broker.overflow is not Overflow.STOP_READING:
            skip(request, f"{self.kind} holds nothing that would be lost")
        self._take_one(sender, running)
        sending = self._sending(sender, *range(5))
        if sending.running(max(_LONG, self.quiet)):
            pytest.skip(f"publishing to {self.kind} waits for credit: nothing has been received ahead of it")
        self.eventually("5 messages are received ahead of credit", lambda: self.held(broker) in (None, 5))

        def failing(timeout: float) -> int:
            raise ConnectionError("the test ends this run")

        sink.wait = failing  # type: ignore[method-assign]
        # one that waits already; one that does not ends by `stop`
        running.call.running(max(_LONG, self.quiet, self.patience / 2))
        assert running.ends(self.patience)
        broker.close()
        broker.close = lambda: None  # type: ignore[method-assign]  # once is enough
        left = sorted(self.read(sink.left))
        assert left == [0, 1, 2, 3, 4], f"run() failed, close() was called, and only {left} were left with sink.leave()"

    @needs(Capability.REQUEUE)
    def test_another_consumer_may_get_what_is_requeued(self, make: MakeBroker, sender: PushBroker) -> None:
        """At the latest when the one that gave it back has ended, for its server may have sent it there again."""
        self.send(sender, 1)
        first, second = make(), make()
        first.listen()
        first.requeue(self.collect(first, 1))
        second.listen()
        first.close()
        assert self.read(self.collect(second, 1)) == [1]

    def test_what_was_accepted_runs_around_a_stop(self, environment: Environment) -> None:
        """What had not started when the consumer stopped runs when the next one starts."""
        environment.settings.values.setdefault("STATE_URL", "memory://")
        notes, begun, release = Notes(), threading.Event(), threading.Event()

        def slow(x: int) -> None:
            notes.add(x)
            begun.set()
            self._hold(release)

        task = self._task(environment, slow, concurrent_num=1)
        broker: Any = resolve(task.task.spec.factory)
        drops = broker.overflow is Overflow.DROP
        task.consume()
        sending = Call(self._push, task, range(5))
        assert begun.wait(self.patience), f"nothing ran within {self.patience} s"
        sending.running(self.quiet)
        self._released_by_stop(environment, release)
        assert environment.worker.stop()
        assert len(notes.seen) < 5, "what had not been started was run after stop()"
        task.consume()
        pushed = sending.result()
        expected = set(notes.seen) if drops else set(pushed)
        self.eventually("all that was accepted runs", lambda: expected <= set(notes.seen))
        assert environment.worker.stop()
        assert sorted(notes.seen) == sorted(set(notes.seen)), f"run twice around a stop: {notes.seen}"

    def _push(self, task: Any, numbers: Any) -> list[int]:
        pushed = []
        for number in numbers:
            with suppress(PublishError, BrokerUnavailable):
                task.push(number)
                pushed.append(number)
        return pushed
