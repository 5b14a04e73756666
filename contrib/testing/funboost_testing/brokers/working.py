"""The broker under the whole consuming line: what a task's user sees."""

from __future__ import annotations

import threading
from time import monotonic, sleep
from typing import Any

from funboost_core import BoosterParams, Capability, Environment, PushBroker, boost
from funboost_core.records import resolve

from .base import BrokerSuite, needs

_FAST = 2000


class Notes:
    """What the runs of a task noted, and waiting for it."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self._changed = threading.Condition()

    def add(self, what: Any) -> None:
        """Remember."""
        with self._changed:
            self.seen.append(what)
            self._changed.notify_all()

    def wait_for(self, count: int, seconds: float) -> list[Any]:
        """What was noted once it is `count` things."""
        with self._changed:
            enough = self._changed.wait_for(lambda: len(self.seen) >= count, seconds)
        assert enough, f"only {len(self.seen)} of {count} messages were run within {seconds} s"
        return self.seen


class WorkingTests(BrokerSuite):
    """Publish, consume, fail, stop."""

    def _task(self, environment: Environment, function: Any, **params: Any) -> Any:
        given = BoosterParams(queue_name="q", broker_exclusive_config=dict(self.options), **params)
        pool = environment.catalog.find("pools", environment.settings("CONCURRENT_MODE"))
        if getattr(resolve(pool.factory), "asynchronous", False):

            async def run(x: Any) -> Any:
                return function(x)

            return boost(given, environment=environment)(run)
        return boost(given, environment=environment)(function)

    def test_every_message_runs_once(self, environment: Environment, capabilities: Capability) -> None:
        """With fifty threads."""
        notes = Notes()
        task = self._task(environment, lambda x: notes.add(x))
        task.consume()
        for n in range(100):
            task.push(n)
        task.push_many([{"x": n} for n in range(100, 500)])
        assert sorted(notes.wait_for(500, self.patience)) == list(range(500))
        if Capability.COUNT in capabilities:
            self.eventually("the queue is empty", lambda: task.get_message_count() <= 0)
        assert environment.worker.stop()
        assert len(notes.seen) == 500, "messages were run twice"

    def _released_by_stop(self, environment: Environment, release: threading.Event) -> None:
        """Let `release` be set when the consumer waits for what runs: what had not started has been given back by then."""
        (consumer,) = environment.worker.consumers()
        drain = consumer.drain

        def released(seconds: float) -> bool:
            release.set()
            return drain(seconds)

        consumer.drain = released  # type: ignore[method-assign]

    def _hold(self, release: threading.Event) -> None:
        """Wait for `release`; it is set on a thread of the system's, and that wakes no greenlet."""
        end = monotonic() + self.patience
        while not release.is_set() and monotonic() < end:
            sleep(0.01)

    @needs(Capability.REQUEUE)
    def test_stopping_gives_back_what_was_not_started(self, environment: Environment) -> None:
        """Prefetched messages belong to others once this consumer drains."""
        notes, begun, release = Notes(), threading.Event(), threading.Event()

        def sudden(x: int) -> None:
            notes.add(x)
            ahead = any(consumer.intake.fetched > len(notes.seen) for consumer in environment.worker.consumers())
            if ahead or len(notes.seen) >= _FAST:  # after some fast ones the consumer fetches several at a time
                begun.set()
                self._hold(release)

        task = self._task(environment, sudden, concurrent_num=1)
        task.push_many([{"x": n} for n in range(_FAST + 100)])
        task.consume()
        assert begun.wait(self.patience), f"{len(notes.seen)} of {_FAST} messages ran within {self.patience} s"
        self._released_by_stop(environment, release)
        assert environment.worker.stop()
        assert len(notes.seen) < _FAST + 100, "what was fetched and not started was run after stop()"
        task.consume()
        notes.wait_for(_FAST + 100, self.patience)
        self.watch(lambda: len(notes.seen) > _FAST + 100)  # what runs twice may be the last of all
        assert environment.worker.stop()
        assert sorted(notes.seen) == list(range(_FAST + 100)), "a message was forgotten, or run twice, around a drain"

    def test_bad_messages_do_not_stop_it(self, environment: Environment) -> None:
        """They go to the dead-letter queue, the good ones run."""
        notes = Notes()
        environment.settings.values.setdefault("STATE_URL", "memory://")
        task = self._task(environment, lambda x: notes.add(x))
        task.consume()
        task.send_msg(b"{")
        task.send_msg(b"\x00\xff")
        task.push(1)
        assert notes.wait_for(1, self.patience) == [1]

    @needs(Capability.DELAY, Capability.SECOND_QUEUE)
    def test_failures_are_retried_and_given_up(self, environment: Environment) -> None:
        """At once and after an interval."""
        notes = Notes()

        def fail(x: int) -> None:
            notes.add(x)
            raise ValueError("no")

        task = self._task(environment, fail, max_retry_times=2, retry_interval=0.05, is_print_detail_exception=False)
        task.push(1)
        task.consume()
        notes.wait_for(3, self.patience)
        assert environment.worker.stop()
        assert notes.seen == [1, 1, 1]

    def test_stopping_leaves_no_thread_behind(self, environment: Environment) -> None:
        """Neither of the pool nor of the broker."""
        before = set(threading.enumerate())
        notes = Notes()
        task = self._task(environment, lambda x: notes.add(x))
        task.consume()
        task.push(1)
        notes.wait_for(1, self.patience)
        assert environment.worker.stop()
        task.close()

        def leaked() -> list[str]:
            threads = set(threading.enumerate()) - before
            return [t.name for t in threads if t.is_alive() and not t.name.startswith("funboost-drain")]

        self.eventually(f"all threads end, still there: {leaked()}", lambda: not leaked())

    def test_an_error_of_the_broker_is_told_and_survived(
        self, environment: Environment, monkeypatch: Any, caplog: Any
    ) -> None:
        """A fetch, or a run, that fails is repeated; the consumer goes on."""
        notes = Notes()
        task = self._task(environment, lambda x: notes.add(x))
        cls: Any = resolve(environment.catalog.find("brokers", self.kind).factory)
        name = "run" if issubclass(cls, PushBroker) else "fetch"
        original, failures = getattr(cls, name), [ConnectionError("cut"), ConnectionError("cut again")]

        def failing(self: Any, *args: Any) -> Any:
            if failures:
                raise failures.pop()
            return original(self, *args)

        monkeypatch.setattr(cls, name, failing)
        task.consume()
        self.eventually("it was asked for messages and has failed", lambda: not failures)
        task.push(1)
        assert notes.wait_for(1, self.patience) == [1]
