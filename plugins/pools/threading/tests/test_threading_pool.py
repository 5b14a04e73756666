"""What is particular to the pool of threads: daemon threads of its own name, a loop for each that runs coroutines."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from funboost_pool_threading.pool import Threads

from funboost_core.ports.pool import PoolContext


@pytest.fixture
def pool():
    pool = Threads(PoolContext(5, "funboost-q"))
    yield pool
    pool.close()


def run(pool, work):
    """Run `work` on a thread of the pool and return what it returned."""
    got, done = [], threading.Event()

    def wrapped():
        try:
            got.append(work())
        finally:
            done.set()

    pool.start(wrapped)
    assert done.wait(40)
    return got[0]


def test_its_threads_have_names_and_keep_no_process_alive(pool):
    name, daemon = run(pool, lambda: (threading.current_thread().name, threading.current_thread().daemon))
    assert name.startswith("funboost-q-")
    assert daemon


def test_a_plain_function_is_called_as_it_is(pool):
    def function():
        return 1

    assert pool.adapt(function) is function


def test_coroutines_of_one_thread_share_its_loop_and_those_of_another_do_not(pool):
    async def loop_of(x):
        await asyncio.sleep(0)
        return asyncio.get_running_loop()

    call = pool.adapt(loop_of)
    first = run(pool, lambda: (call(x=1), call(x=2)))
    second = run(pool, lambda: call(x=3))
    assert first[0] is first[1]
    assert second is not first[0]


def test_a_loop_ends_with_its_thread(pool):
    async def loop_of():
        return asyncio.get_running_loop()

    call = pool.adapt(loop_of)
    started = set(threading.enumerate())
    loop = run(pool, call)
    for thread in set(threading.enumerate()) - started:
        thread.join(40)
    end = time.monotonic() + 40
    while not loop.is_closed() and time.monotonic() < end:
        time.sleep(0.005)
    assert loop.is_closed()


def test_loops_of_threads_that_are_not_the_pools_end_with_the_pool(pool):
    async def loop_of():
        return asyncio.get_running_loop()

    loops = []
    thread = threading.Thread(target=lambda: loops.append(pool.adapt(loop_of)()))
    thread.start()
    thread.join(40)
    assert not loops[0].is_closed()
    pool.close()
    assert loops[0].is_closed()


def test_errors_of_coroutines_are_raised(pool):
    async def fail():
        raise ValueError("no")

    def attempt():
        with pytest.raises(ValueError, match="no"):
            pool.adapt(fail)()
        return True

    assert run(pool, attempt)


async def loop_of():
    return asyncio.get_running_loop()


def test_nobody_else_closes_the_loop_of_a_living_thread(pool):
    """The pool may be closed before its last thread has ended, and by a coroutine."""
    call, ran, end = pool.adapt(loop_of), threading.Event(), threading.Event()
    loops, threads = [], []

    def work():
        threads.append(threading.current_thread())
        loops.append(call())
        ran.set()
        assert end.wait(40)
        loops.append(call())

    async def close():
        pool.close()

    pool.start(work)
    assert ran.wait(40)
    asyncio.run(close())
    end.set()
    threads[0].join(40)
    assert loops[0] is loops[1]
    assert loops[0].is_closed()


def test_a_coroutine_can_close_the_loops_of_others(pool):
    async def close():
        pool.close()

    loop = pool.adapt(loop_of)()
    asyncio.run(close())
    assert loop.is_closed()
