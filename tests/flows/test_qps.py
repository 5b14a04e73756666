"""`qps` keeps its schedule in every pool, whatever the tasks take, on the injected clock."""

from __future__ import annotations

import asyncio
import bisect
import random
import threading
import time
from typing import Any, Callable

import pytest
from funboost_testing.clock import FakeClock

from funboost_core import BoosterParams, Environment, boost

POOLS = ("threading", "single_thread", "asyncio")


class Simulation:
    """Runs a task under a rate while moving the clock from event to event."""

    def __init__(self, pool: str, qps: float, duration: Callable[[], float], **params: Any) -> None:
        self.clock = FakeClock()
        self.starts: list[float] = []
        self.environment = Environment(
            {"BROKER_KIND": "MEMORY_QUEUE", "CONCURRENT_MODE": pool, "STATE_URL": "memory://", "DRAIN_SECONDS": 0},
            clock=self.clock,
        )

        def body(x: int) -> None:
            self.starts.append(self.clock.monotonic())
            seconds = duration()
            if seconds:
                self.clock.sleep(seconds)

        async def coroutine(x: int) -> None:
            self.starts.append(self.clock.monotonic())
            seconds = duration()
            if seconds:  # the fake clock's sleep blocks a thread, so it gets one
                await asyncio.get_running_loop().run_in_executor(executor, self.clock.sleep, seconds)

        from concurrent.futures import ThreadPoolExecutor

        executor = ThreadPoolExecutor(400)
        parameters = BoosterParams(queue_name="rate", qps=qps, **params)
        self.task = boost(parameters, environment=self.environment)(coroutine if pool == "asyncio" else body)

    def run(self, messages: int, seconds: float) -> list[float]:
        """Publish, consume, and move the clock for `seconds`; when the tasks started."""
        self.task.push_many([{"x": n} for n in range(messages)])
        self.task.consume()
        end = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end and len(self.starts) < messages:
            self._settle()
            self.clock.advance(max(1e-6, self.clock.next_deadline() - self.clock.time()))  # floats end there
        self._settle()
        return [*self.starts]  # `close` moves the clock, too: what starts then does not count

    def _settle(self) -> None:
        """Wait until every thread of ours waits for the clock: then nothing happens before it moves."""
        patience = time.monotonic() + 60
        while time.monotonic() < patience:
            if self._quiet() and self._quiet():
                return
            time.sleep(0.0001)  # not 0: a thread that spins keeps those that it waits for from running
        waiting = self.clock.waiting
        self.clock.advance(1e6)  # who sleeps in an executor would keep the interpreter from ending
        raise AssertionError(f"it does not come to rest: {waiting} wait")

    def _quiet(self) -> bool:
        line = self.environment.worker.consumers()[0].line
        busy = line.size if hasattr(line, "size") else line.running + 1
        return self.clock.waiting == busy + 1  # and the maintenance thread

    def close(self) -> None:
        """End the tasks that sleep, then the worker."""
        stopper = threading.Thread(target=self.environment.close)
        stopper.start()
        while stopper.is_alive():
            self.clock.advance(1)
            stopper.join(0.005)


def most_in_a_second(starts: list[float]) -> int:
    """The largest number of starts in any sliding second."""
    return max(bisect.bisect_left(starts, start + 1 - 1e-6) - n for n, start in enumerate(starts))


DURATIONS = {
    "instant": lambda: 0.0,
    "constant": lambda: 0.03,
    "random": None,
}


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("kind", DURATIONS)
@pytest.mark.parametrize("qps", [0.5, 5, 60, 1000])
@pytest.mark.parametrize("mode", POOLS)
def test_the_schedule_is_kept(mode, qps, kind, shared):
    dice = random.Random(7)
    duration = DURATIONS[kind] or (lambda: dice.choice((0.0, 0.001, 0.02, 0.3)))
    if mode == "single_thread" and kind != "instant":
        qps = min(qps, 5 if kind == "constant" else 2)  # one at a time cannot start them faster than they end
    seconds = max(1.2, 8 / qps)
    simulation = Simulation(mode, qps, duration, concurrent_num=400, is_using_distributed_frequency_control=shared)
    try:
        starts = simulation.run(int(qps * seconds) + 10, seconds)
    finally:
        simulation.close()
    assert most_in_a_second(starts) <= max(qps + 1, 1.02 * qps)
    measured = (len(starts) - 1) / (starts[-1] - starts[0])
    assert measured == pytest.approx(qps, rel=0.01)


def test_a_million_permitted_threads_are_about_as_many_as_the_rate_needs():
    simulation = Simulation("threading", 5, lambda: 2.0, concurrent_num=1_000_000)
    try:
        starts = simulation.run(100, 12)
        size = simulation.environment.worker.consumers()[0].line.size
    finally:
        simulation.close()
    assert len(starts) >= 55
    assert size <= 13


@pytest.mark.parametrize("shared", [False, True])
def test_an_idle_queue_saves_up_no_starts(shared):
    simulation = Simulation("threading", 10, lambda: 0.0, is_using_distributed_frequency_control=shared)
    try:
        simulation.run(1, 5)
        for _ in range(20):
            simulation._settle()
            simulation.clock.advance(0.5)
        before = len(simulation.starts)
        simulation.task.push_many([{"x": n} for n in range(50)])
        simulation._settle()
        for _ in range(200):
            simulation.clock.advance(0.01)
            simulation._settle()
        starts = simulation.starts[before:]
    finally:
        simulation.close()
    assert most_in_a_second(starts) <= 11
