"""One at a time, whatever is asked for."""

from __future__ import annotations

import asyncio
import threading

import pytest
from funboost_pool_single_thread.pool import SingleThread

from funboost_core.ports.pool import PoolContext


@pytest.fixture
def pool():
    pool = SingleThread(PoolContext(50, "funboost-q"))
    yield pool
    pool.close()


def test_it_is_one_and_stays_one(pool):
    assert pool.limit == 1
    pool.resize(20)
    assert pool.limit == 1


def test_work_runs_on_a_daemon_thread_of_its_name(pool):
    seen, done = [], threading.Event()

    def work():
        seen.append((threading.current_thread().name, threading.current_thread().daemon))
        done.set()

    pool.start(work)
    assert done.wait(40)
    assert seen == [("funboost-q", True)]


def test_coroutines_run_one_after_the_other_on_one_loop_which_is_closed_at_the_end(pool):
    async def loop_of(x):
        await asyncio.sleep(0)
        return asyncio.get_running_loop()

    call = pool.adapt(loop_of)
    loop = call(x=1)
    assert call(x=2) is loop
    pool.close()
    assert loop.is_closed()
    pool.close()


def test_a_plain_function_is_called_as_it_is(pool):
    def function():
        return 1

    assert pool.adapt(function) is function


async def loop_of():
    return asyncio.get_running_loop()


def test_a_thread_that_was_replaced_ends_without_the_loop_of_its_successor(pool):
    call, ran, end = pool.adapt(loop_of), threading.Event(), threading.Event()
    loops, threads = [], []

    def work():
        threads.append(threading.current_thread())
        loops.append(call())
        ran.set()
        assert end.wait(40)
        loops.append(call())

    pool.start(work)
    assert ran.wait(40)
    pool.start(lambda: threads.append(threading.current_thread()))
    while len(threads) < 2:
        ran.wait(0.001)
    threads[1].join(40)
    end.set()
    threads[0].join(40)
    assert loops[0] is loops[1]
    assert loops[0].is_closed()


def test_a_coroutine_may_close_it_before_its_thread_has_ended(pool):
    call, ran, end = pool.adapt(loop_of), threading.Event(), threading.Event()
    loops, threads = [], []

    def work():
        threads.append(threading.current_thread())
        loops.append(call())
        ran.set()
        assert end.wait(40)

    async def close():
        pool.close()

    pool.start(work)
    assert ran.wait(40)
    theirs = pool.adapt(loop_of)()
    asyncio.run(close())
    assert theirs.is_closed()
    end.set()
    threads[0].join(40)
    assert loops[0].is_closed()
