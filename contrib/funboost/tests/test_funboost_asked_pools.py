"""Pools that are asked by those whom they call: `AsyncPoolExecutor` by its own loop, an executor by its callbacks."""

from __future__ import annotations

import asyncio
import threading

import pytest
from funboost.concurrent_pool.async_pool_executor import AsyncPoolExecutor
from funboost.concurrent_pool.custom_threadpool_executor import ThreadPoolExecutorShrinkAble


def test_the_loop_that_is_asked_twice_before_it_turns_does_not_wait_for_itself():
    async def main():
        pool = AsyncPoolExecutor(1, specify_async_loop=asyncio.get_running_loop())
        done = asyncio.Event()

        async def work():
            done.set()

        pool.submit(work)
        with pytest.raises(RuntimeError, match="waiting here would stop them all"):
            pool.submit(work)
        await done.wait()

    asyncio.run(main())


def test_a_loop_that_is_closed_takes_nothing_and_nobody_waits_for_that():
    loop = asyncio.new_event_loop()
    pool = AsyncPoolExecutor(1, loop, is_auto_start_specify_async_loop_in_child_thread=False)
    loop.close()

    async def work():
        """Never run."""

    for _ in range(2):  # the second would wait for the first for ever
        with pytest.raises(RuntimeError, match="closed"):
            pool.submit(work)
    pool._wait()


def test_callbacks_of_what_is_cancelled_may_use_the_pool_on_any_thread():
    pool, began, go, refused = ThreadPoolExecutorShrinkAble(1), threading.Event(), threading.Event(), []

    def submit():
        with pytest.raises(RuntimeError, match="shut down"):
            pool.submit(print)
        refused.append(1)

    def again(_):
        submit()
        other = threading.Thread(target=submit, daemon=True)
        other.start()
        other.join(20)

    running = pool.submit(lambda: (began.set(), go.wait(40)))
    assert began.wait(40)
    waiting = [pool.submit(print) for _ in range(3)]
    for future in waiting:
        future.add_done_callback(again)
    try:
        pool.shutdown(wait=False, cancel_futures=True)
    finally:
        go.set()
    assert running.result(40)
    assert all(future.cancelled() for future in waiting)
    assert len(refused) == 6
