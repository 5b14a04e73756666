"""The documented pools: a hard limit, a bounded queue, coroutines, threads that end, and sharing between queues."""

from __future__ import annotations

import asyncio
import copy
import subprocess
import sys
import threading
import weakref
from concurrent.futures import Executor

import pytest
from funboost import BoosterParams, boost
from funboost.concurrent_pool import (
    BoundedThreadPoolExecutor,
    ConcurrentPoolBuilder,
    CustomThreadPoolExecutor,
    FunboostBaseConcurrentPool,
    SoloExecutor,
)
from funboost.concurrent_pool.async_pool_executor import AsyncPoolExecutor
from funboost.concurrent_pool.custom_threadpool_executor import ThreadPoolExecutorShrinkAble
from funboost.concurrent_pool.flexible_thread_pool import FlexibleThreadPool

WAIT = 40


class Work:
    """Calls that stay where they are until they are let go; how many there were at once."""

    def __init__(self):
        self.go = threading.Event()
        self.running = self.most = self.ended = 0
        self._changed = threading.Condition()

    def __call__(self, *_):
        self._begin()
        assert self.go.wait(WAIT)
        self._end()

    async def coroutine(self, *_):
        self._begin()
        while not self.go.is_set():
            await asyncio.sleep(0.001)
        self._end()

    def _begin(self):
        with self._changed:
            self.running += 1
            self.most = max(self.most, self.running)
            self._changed.notify_all()

    def _end(self):
        with self._changed:
            self.running -= 1
            self.ended += 1
            self._changed.notify_all()

    def wait(self, **wanted):
        with self._changed:
            assert self._changed.wait_for(lambda: wanted == {name: getattr(self, name) for name in wanted}, WAIT)


@pytest.fixture
def work():
    work = Work()
    yield work
    work.go.set()


@pytest.fixture
def apart():
    """``apart(function)`` on a thread; a thread that is still there at the end fails the test."""
    threads = []

    def start(function):
        threads.append(threading.Thread(target=function, daemon=True))
        threads[-1].start()
        return threads[-1]

    yield start
    for thread in threads:
        thread.join(WAIT)
        assert not thread.is_alive()


def errors(caplog):
    """What pools have logged; others' threads, and asyncio about others' garbage, log too."""
    return [record.exc_info[0] for record in caplog.records if record.name == "funboost.pool"]


@pytest.mark.parametrize("kind", ["function", "coroutine"])
def test_the_limit_is_hard_and_submit_blocks_when_ten_wait(work, apart, kind):
    pool = FlexibleThreadPool(3)
    call = work if kind == "function" else work.coroutine
    for _ in range(13):
        assert pool.submit(call, 1) is None
    blocked = apart(lambda: pool.submit(call, 1))
    work.wait(running=3)
    blocked.join(0.05)
    assert blocked.is_alive()
    work.go.set()
    work.wait(ended=14)
    assert work.most == 3
    pool.shutdown()


def test_one_thread_is_used_again_and_ends_when_there_is_no_work(monkeypatch):
    monkeypatch.setattr(FlexibleThreadPool, "idle_seconds", 3600)
    pool, seen, done = FlexibleThreadPool(100), [], threading.Semaphore(0)

    def call():
        seen.append(threading.current_thread())
        done.release()

    for _ in range(5):
        pool.submit(call)
        assert done.acquire(timeout=WAIT)
        pool._wait()
    monkeypatch.setattr(FlexibleThreadPool, "idle_seconds", 0.05)  # from the next call on
    pool.submit(call)
    assert done.acquire(timeout=WAIT)
    (thread,) = set(seen)
    thread.join(WAIT)
    assert not thread.is_alive()
    pool.submit(call)
    assert done.acquire(timeout=WAIT)
    pool.shutdown()


def test_a_call_that_fails_is_logged_and_the_pool_goes_on(caplog, work):
    pool = FlexibleThreadPool(1)
    pool.submit(lambda: 1 / 0)
    pool.submit(sys.exit, 3)
    work.go.set()
    pool.submit(work)
    pool.shutdown()
    assert work.ended == 1
    assert errors(caplog) == [ZeroDivisionError, SystemExit]
    with pytest.raises(RuntimeError, match="the pool has been shut down"):
        pool.submit(work)


def test_a_thread_that_waits_keeps_nothing_alive():
    class Big: ...

    pool, big = FlexibleThreadPool(1), Big()
    alive = weakref.ref(big)
    pool.submit(lambda _: None, big)
    pool._wait()
    del big
    assert alive() is None
    pool.shutdown()


def test_where_no_thread_can_be_started_submit_says_so(monkeypatch, work):
    from funboost.concurrent_pool import flexible_thread_pool

    class Refused(threading.Thread):
        def start(self):
            raise RuntimeError("can't start new thread")

    pool = FlexibleThreadPool(2)
    with monkeypatch.context() as without:
        without.setattr(flexible_thread_pool, "Thread", Refused)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            pool.submit(work)
    pool.submit(work)
    work.wait(running=1)
    with monkeypatch.context() as without:
        without.setattr(flexible_thread_pool, "Thread", Refused)
        pool.submit(work)  # the thread that there is will do it
    work.go.set()
    pool.shutdown()
    assert work.ended == 2


def test_a_copy_is_the_pool_itself():
    pool = FlexibleThreadPool(7)
    assert copy.deepcopy({"pool": pool})["pool"] is pool
    assert isinstance(pool, FunboostBaseConcurrentPool)

    class Own(FlexibleThreadPool): ...

    assert ConcurrentPoolBuilder.get_pool(Own, 9) is ConcurrentPoolBuilder.get_pool(Own)
    assert ConcurrentPoolBuilder.get_pool(Own).max_workers == 9


def test_queues_share_a_pool_and_its_limit(environment, work):
    pool = FlexibleThreadPool(4)

    def task(queue):
        params = BoosterParams(
            queue_name=queue, broker_kind="MEMORY_QUEUE", specify_concurrent_pool=pool, concurrent_num=50
        )
        return boost(params, environment=environment)(lambda x: work(x))

    tasks = [task("a"), task("b"), task("c")]
    for f in tasks:
        f.push_many([{"x": n} for n in range(10)])
        f.consume()
    work.wait(running=4)
    work.go.set()
    work.wait(ended=30)
    assert work.most == 4


def test_an_executor_of_the_standard_library_whose_threads_come_and_go():
    assert ThreadPoolExecutorShrinkAble is CustomThreadPoolExecutor is BoundedThreadPoolExecutor

    async def double(x):
        return x * 2

    with ThreadPoolExecutorShrinkAble(1_000_000) as pool:
        assert isinstance(pool, Executor)
        assert pool.submit(pow, 2, 10).result(WAIT) == 1024
        assert pool.submit(double, 4).result(WAIT) == 8
        assert list(pool.map(str, range(20))) == [str(n) for n in range(20)]
        assert isinstance(pool.submit(lambda: 1 / 0).exception(WAIT), ZeroDivisionError)


def test_futures_that_have_not_begun_can_be_cancelled(work):
    pool = ThreadPoolExecutorShrinkAble(1)
    first, second = pool.submit(work), pool.submit(work)
    work.wait(running=1)
    pool.shutdown(wait=False, cancel_futures=True)
    work.go.set()
    assert first.result(WAIT) is None
    assert second.cancelled()


def test_coroutines_on_one_loop_at_most_so_many(work, apart, caplog):
    pool = AsyncPoolExecutor(3)
    for _ in range(3):
        pool.submit(work.coroutine)
    blocked = apart(lambda: pool.submit(work.coroutine))
    work.wait(running=3)
    blocked.join(0.05)
    assert blocked.is_alive()
    work.go.set()
    work.wait(ended=4)
    assert work.most == 3

    async def fail():
        raise KeyError("it")

    pool.submit(fail)
    pool._wait()
    assert errors(caplog) == [KeyError]
    with pytest.raises(TypeError, match="AsyncPoolExecutor runs `async def` functions"):
        pool.submit(print)


def test_a_loop_of_the_users_and_no_waiting_on_it(work):
    async def main():
        pool = AsyncPoolExecutor(1, specify_async_loop=asyncio.get_running_loop())
        pool.submit(work.coroutine)
        while not work.running:
            await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="1 coroutines run already"):
            pool.submit(work.coroutine)
        work.go.set()
        while not work.ended:
            await asyncio.sleep(0)

    asyncio.run(main())


def test_solo_runs_at_once():
    assert SoloExecutor(5).submit(threading.current_thread) is threading.current_thread()


SCRIPT = """
import asyncio, os, time
from funboost.concurrent_pool import AsyncPoolExecutor, FlexibleThreadPool

def call(n):
    time.sleep(0.05)
    os.write(1, b"%d\\n" % n)

async def coroutine(n):
    await asyncio.sleep(0.05)
    os.write(1, b"%d\\n" % n)

threads, coroutines = FlexibleThreadPool(2), AsyncPoolExecutor(3)
for n in range(3):
    threads.submit(call, n)
    coroutines.submit(coroutine, n + 3)
"""


def test_a_process_ends_when_all_calls_have_ended():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=False)
    assert (sorted(done.stdout.split()), done.stderr, done.returncode) == (list("012345"), "", 0)
