"""How many run at once, on how many threads."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from funboost_core import Environment

from ..clock import FakeClock
from ..topics import proves
from .base import Meter, PoolBase, names, real_threads


class LimitTests(PoolBase):
    """The limit is hard, is reached, and can be changed."""

    @proves("limit")
    def test_the_limit_is_reached_and_never_exceeded(self, environment: Environment, shape: str) -> None:
        """While more wait than may run."""
        meter, limit = Meter(), self.limit(5)
        task = self.task(environment, shape, meter.body, concurrent_num=5)
        task.push_many([{"x": n} for n in range(30)])
        task.consume()
        self.until(f"{limit} run at once", lambda: meter.now >= limit)
        self.watch(lambda: meter.peak > limit)
        meter.go = True
        self.until("all have run", lambda: len(meter.done) == 30)
        assert meter.peak == limit, f"{meter.peak} ran at once, the limit is {limit}"
        assert environment.worker.stop()

    @proves("resize")
    def test_the_limit_can_be_raised_and_lowered(self, environment: Environment, shape: str) -> None:
        """While tasks run."""
        meter, low, high = Meter(), self.limit(2), self.limit(6)
        task = self.task(environment, shape, meter.body, concurrent_num=2)
        task.push_many([{"x": n} for n in range(10)])
        task.consume()
        self.until(f"{low} run at once", lambda: meter.now == low)
        task.change_concurrent_num(6)
        meter.go = True
        self.until("the first ones have run", lambda: len(meter.done) == 10)
        meter.go = False
        task.push_many([{"x": n} for n in range(10, 30)])
        self.until(f"{high} run at once after the limit was raised", lambda: meter.now == high)
        self.watch(lambda: meter.peak > high)
        assert meter.peak == high, f"{meter.peak} ran at once, the limit was raised to {high}"
        task.change_concurrent_num(1)
        meter.go = True
        self.until("the next ones have run", lambda: len(meter.done) == 30)
        meter.go, meter.peak = False, 0
        task.push_many([{"x": n} for n in range(30, 35)])
        self.until("one runs", lambda: meter.now)
        self.watch(lambda: meter.peak > 1)
        meter.go = True
        self.until("the last ones have run", lambda: len(meter.done) == 35)
        assert meter.peak == 1, f"{meter.peak} ran at once after the limit was lowered to 1"
        assert environment.worker.stop()

    @proves("threads")
    def test_threads_are_started_only_on_need(self, environment: Environment, shape: str) -> None:
        """A limit of a thousand costs nothing while one runs after the other."""
        done: list[int] = []

        def quick(x: int) -> Generator[None, None, None]:
            yield
            done.append(x)

        before = real_threads()
        task = self.task(environment, shape, quick, concurrent_num=1000)
        task.consume()
        for x in range(50):
            task.push(x)
            self.until("it has run", lambda: len(done) > x)  # noqa: B023
        started = real_threads() - before
        assert len(started) <= 10, f"{len(started)} threads for one task at a time: {names(started)}"
        assert environment.worker.stop()

    @proves("threads")
    def test_idle_threads_end(self, threads: None, shape: str) -> None:
        """All but the one that waits for messages."""
        clock, meter, limit = FakeClock(), Meter(), self.limit(5)
        environment = self.program(clock)
        before = real_threads()
        task = self.task(environment, shape, meter.body, concurrent_num=5)
        task.push_many([{"x": n} for n in range(5)])
        task.consume()
        self.until(f"{limit} run at once", lambda: meter.now == limit)
        meter.go = True
        self.until("all have run", lambda: len(meter.done) == 5, lambda: clock.advance(0.1))

        def mine() -> set[Any]:
            return {thread for thread in real_threads() - before if "maintenance" not in thread.name}

        try:
            self.until("idle threads end", lambda: len(mine()) <= 1, lambda: clock.advance(1))
        except AssertionError as error:
            raise AssertionError(f"{error}; still there: {names(mine())}") from None
        finally:
            environment.worker.stop(0)
            environment.close()
