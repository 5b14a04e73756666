"""Draining, giving up, closing."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from funboost_core import Environment

from ..topics import proves
from .base import Meter, PoolBase, names, real_threads


class EndingTests(PoolBase):
    """What runs is finished or goes back; nothing is left behind."""

    @proves("drain")
    def test_stopping_finishes_what_runs_and_starts_nothing(self, environment: Environment, shape: str) -> None:
        """What waits stays in the queue, for the next consumer."""
        meter, limit = Meter(), self.limit(3)
        task = self.task(environment, shape, meter.body, concurrent_num=3)
        task.push_many([{"x": n} for n in range(20)])
        task.consume()
        self.until(f"{limit} run", lambda: meter.now == limit)
        consumer = environment.worker.consumers()[0]
        consumer.gate.stop()  # the first thing that stopping does; so that letting go starts no others
        meter.go = True
        assert environment.worker.stop(), "what ran was not finished within the drain"
        assert meter.now == 0, "stop() returned while tasks ran"
        done = len(meter.done)
        assert len(meter.seen) == done < 20
        assert task.get_message_count() == 20 - done, "messages were lost in a drain"
        task.consume()
        self.until("the next consumer runs the rest", lambda: len(meter.done) == 20)
        assert sorted(meter.done) == list(range(20))
        assert environment.worker.stop()

    @proves("drain")
    def test_a_run_that_never_ends_is_given_up_at_the_deadline(self, environment: Environment, shape: str) -> None:
        """Its message goes back to the queue, and whatever it does later does not settle it."""
        meter = Meter()
        task = self.task(environment, shape, meter.body, concurrent_num=2)
        task.push(1)
        task.consume()
        self.until("it runs", lambda: meter.now == 1)
        assert not environment.worker.stop(0.2), "stop() says that all has ended while a task runs"
        assert task.get_message_count() == 1, "the message of a run that was given up did not go back"
        meter.go = True
        self.until("the old run has ended", lambda: meter.now == 0)
        assert task.get_message_count() == 1, "a run that had been given up acknowledged its message"
        before = len(meter.done)
        task.consume()
        self.until("its message runs again", lambda: len(meter.done) == before + 1)
        self.until("it is done", lambda: task.get_message_count() == 0)
        assert environment.worker.stop()
        assert task.get_message_count() == 0

    @proves("threads")
    def test_closing_releases_the_threads(self, environment: Environment, shape: str) -> None:
        """Time after time."""
        done: list[int] = []

        def quick(x: int) -> Generator[None, None, None]:
            yield
            done.append(x)

        task = self.task(environment, shape, quick, concurrent_num=5)
        task.push(0)  # opens what publishes, which stays
        before = real_threads()
        for wanted in (11, 21, 31):
            task.push_many([{"x": n} for n in range(10)])
            task.consume()
            self.until("they have run", lambda: len(done) == wanted)  # noqa: B023
            assert environment.worker.stop()

        def left() -> set[Any]:
            return real_threads() - before

        try:
            self.until("all threads end", lambda: not left())
        except AssertionError as error:
            raise AssertionError(f"{error}; still there: {names(left())}") from None
