"""Coroutines on one loop: the pool's own or the user's."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from funboost_pool_asyncio import pool as module
from funboost_pool_asyncio.pool import Asyncio

from funboost_core import BoosterParams, ConfigError, Delivery, Environment, boost
from funboost_core.ports.pool import PoolContext


class Ended:
    """Collects what finished."""

    def __init__(self) -> None:
        self.outcomes: list[Any] = []
        self._changed = threading.Condition()

    def __call__(self, delivery: Delivery, outcome: Any) -> None:
        with self._changed:
            self.outcomes.append(outcome)
            self._changed.notify_all()

    def wait_for(self, count: int) -> list[Any]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.outcomes) >= count, 40)
            return self.outcomes


async def where(delivery: Delivery) -> Any:
    await asyncio.sleep(0)
    return asyncio.get_running_loop(), threading.get_ident()


def test_all_runs_share_one_loop_on_one_thread_that_is_not_ours():
    pool, ended = Asyncio(PoolContext(10, "q")), Ended()
    pool.submit([Delivery(b"") for _ in range(20)], where, ended)
    outcomes = set(ended.wait_for(20))
    assert len(outcomes) == 1
    ((loop, thread),) = outcomes
    assert thread != threading.get_ident()
    pool.close()
    assert loop.is_closed()
    pool.close()


def test_the_users_loop_is_started_on_a_thread_and_left_open():
    loop = asyncio.new_event_loop()
    pool, ended = Asyncio(PoolContext(10, "q", loop)), Ended()
    pool.submit([Delivery(b"")], where, ended)
    assert ended.wait_for(1)[0][0] is loop
    pool.close()
    assert not loop.is_closed()
    assert not loop.is_running()
    loop.close()


def test_a_loop_that_the_user_runs_himself_is_only_used():
    async def main() -> Any:
        pool, ended = Asyncio(PoolContext(10, "q", asyncio.get_running_loop(), start_loop=False)), Ended()
        pool.submit([Delivery(b"")], where, ended)
        while not ended.outcomes:
            await asyncio.sleep(0.001)
        pool.close()
        return ended.outcomes[0][0] is asyncio.get_running_loop()

    assert asyncio.run(main())


def test_plain_functions_are_refused_before_anything_starts():
    environment = Environment({"BROKER_KIND": "MEMORY_QUEUE", "CONCURRENT_MODE": "asyncio"})

    def plain(x):
        return x

    task = boost(BoosterParams(queue_name="q"), environment=environment)(plain)
    before = set(threading.enumerate())
    with pytest.raises(ConfigError, match="async def"):
        task.consume()
    assert not set(threading.enumerate()) - before
    environment.close()


def test_what_runs_at_the_end_is_cancelled():
    begun, cancelled = threading.Event(), threading.Event()

    async def endless(delivery: Delivery) -> None:
        begun.set()
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    pool = Asyncio(PoolContext(10, "q"))
    pool.submit([Delivery(b"")], endless, Ended())
    assert begun.wait(40)
    pool.close()
    assert cancelled.is_set()


def test_pools_that_share_the_users_loop_start_it_once():
    both, started = threading.Event(), []

    class Slow(asyncio.SelectorEventLoop):
        def run_forever(self) -> None:
            started.append(threading.current_thread())
            both.wait(0.3)  # the second pool has the time to find it not running
            super().run_forever()

    loop = Slow()
    pools = [Asyncio(PoolContext(10, name, loop)) for name in ("first", "second")]
    both.set()
    for pool in reversed(pools):
        pool.close()
    for thread in started:
        thread.join(40)
    loop.close()
    assert len(started) == 1


def test_a_task_that_blocks_the_loop_does_not_keep_it_from_closing_later(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    begun, end = threading.Event(), threading.Event()
    loops = []

    async def blocks(delivery: Delivery) -> None:
        loops.append(asyncio.get_running_loop())
        begun.set()
        assert end.wait(40)

    pool = Asyncio(PoolContext(10, "q"))
    pool.submit([Delivery(b"")], blocks, Ended())
    assert begun.wait(40)
    pool.close()
    assert not loops[0].is_closed()
    end.set()
    pool._thread.join(40)
    assert loops[0].is_closed()
