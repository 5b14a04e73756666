"""Queues that share an executor, and what can be changed while consumers run."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from rest import eventually

from funboost_core import BoosterParams, ConfigError, Environment, boost


@pytest.fixture
def environment(tmp_path: Any) -> Any:
    environment = Environment(
        {"BROKER_KIND": "MEMORY_QUEUE", "CONCURRENT_MODE": "threading", "STATE_URL": "memory://", "DRAIN_SECONDS": 30}
    )
    yield environment
    environment.close()


class Meter:
    """Counts runs, in all and at once, and holds each until it is let go."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.hold = lambda: self.gate.wait(50)
        self.now = self.most = 0
        self.done: dict[str, int] = {"a": 0, "b": 0}
        self._changed = threading.Condition()

    def run(self, name: str) -> None:
        with self._changed:
            self.now += 1
            self.most = max(self.most, self.now)
            self._changed.notify_all()
        self.hold()
        with self._changed:
            self.now -= 1
            self.done[name] += 1
            self._changed.notify_all()

    def until(self, condition: Any) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, 45), (self.now, self.most, self.done)


def test_two_queues_share_a_pool_of_300_and_neither_starves(environment):
    meter, pool, turns = Meter(), ThreadPoolExecutor(300), threading.Semaphore(0)
    meter.hold = lambda: turns.acquire(timeout=50)
    small: list[int] = []

    def make(name: str) -> Any:
        params = BoosterParams(queue_name=name, specify_concurrent_pool=pool, concurrent_num=5)
        run = small.append if name == "b" else lambda x: meter.run(name)
        return boost(params, environment=environment)(lambda x: run(x))

    a, b = make("a"), make("b")
    a.push_many([{"x": n} for n in range(3000)])
    a.consume()
    meter.until(lambda: meter.now == 300)
    b.push_many([{"x": n} for n in range(30)])
    b.consume()
    permits = environment.worker.consumer("a").line.permits
    for turn in range(1, 100):  # whenever both stand in line, one run of the big queue ends, and another one begins
        end = time.monotonic() + 45
        while len(permits._line) < 2 and len(small) < 30:
            assert time.monotonic() < end, (len(permits._line), len(small))
            time.sleep(0.001)
        if len(small) == 30:
            break
        turns.release()
        meter.until(lambda turn=turn: meter.done["a"] == turn and meter.now == 300)
    assert eventually(lambda: len(small) == 30), "the small queue has to wait for the big one"
    assert sorted(small) == list(range(30))
    for _ in range(3000):
        turns.release()
    meter.until(lambda: meter.done["a"] == 3000)
    assert meter.most == 300
    assert environment.worker.stop()
    pool.shutdown()


def test_an_idle_queue_holds_nothing_of_a_shared_pool(environment):
    meter, pool = Meter(), ThreadPoolExecutor(2)
    tasks = {}
    for name in ("a", "b", "c", "d", "e"):
        params = BoosterParams(queue_name=name, specify_concurrent_pool=pool)
        tasks[name] = boost(params, environment=environment)(lambda x: meter.run("a"))
        tasks[name].consume()
    tasks["e"].push_many([{"x": 1}, {"x": 2}])
    meter.until(lambda: meter.now == 2)
    meter.gate.set()
    meter.until(lambda: meter.done["a"] == 2)
    pool.shutdown()


def test_what_is_no_executor_is_refused(environment):
    task = boost(BoosterParams(queue_name="q", specify_concurrent_pool=object()), environment=environment)(lambda x: 0)
    with pytest.raises(ConfigError, match="submit"):
        task.consume()


def test_concurrency_changes_while_it_runs(environment):
    meter = Meter()
    task = boost(BoosterParams(queue_name="q", concurrent_num=2), environment=environment)(lambda x: meter.run("a"))
    task.push_many([{"x": n} for n in range(20)])
    task.consume()
    meter.until(lambda: meter.now == 2)
    task.change_concurrent_num(6)
    task.push(99)
    meter.gate.set()
    meter.until(lambda: meter.done["a"] == 21)
    meter.gate.clear()
    task.push_many([{"x": n} for n in range(20)])
    meter.until(lambda: meter.now == 6)
    assert meter.most == 6
    task.change_concurrent_num(1)
    meter.gate.set()
    meter.until(lambda: meter.done["a"] == 41)
    meter.most = 0
    task.push_many([{"x": n} for n in range(20)])
    meter.until(lambda: meter.done["a"] == 61)
    assert meter.most == 1
    with pytest.raises(ValueError, match="at least 1"):
        task.change_concurrent_num(0)


def test_the_rate_changes_while_it_runs(environment):
    meter = Meter()
    meter.gate.set()
    task = boost(BoosterParams(queue_name="q", qps=0.001), environment=environment)(lambda x: meter.run("a"))
    task.push_many([{"x": n} for n in range(20)])
    task.consume()
    meter.until(lambda: meter.done["a"] == 1)
    task.change_qps(0)
    meter.until(lambda: meter.done["a"] == 20)
    task.change_qps(None)
    assert environment.worker.consumers()[0].gate.rate.qps == 0.001
