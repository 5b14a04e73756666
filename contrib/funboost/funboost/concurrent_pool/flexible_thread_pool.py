"""Threads that start when there is work for them and end when there has been none for a while."""

from __future__ import annotations

import inspect
import os
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any, Callable, ClassVar

from funboost_core.lifetime import at_exit
from funboost_core.native import Condition, RLock, Thread

from .base_pool_type import FunboostBaseConcurrentPool, logger

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

Call = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


class FlexibleThreadPool(FunboostBaseConcurrentPool):
    """Runs functions and coroutine functions on at most `max_workers` threads; each has an event loop of its own.

    Several queues can share one (`specify_concurrent_pool`).  At its end the process waits for what was submitted.

    Args:
        max_workers: most calls at once; None = processors + 4, at most 32.
        work_queue_maxsize: so many calls may wait for a thread; then `submit` blocks.

    Example::

        pool = FlexibleThreadPool(300)

        @boost(BoosterParams(queue_name="q", specify_concurrent_pool=pool))
        def f(x): ...
    """

    idle_seconds: ClassVar[float] = 10.0
    """After so long without work a thread ends."""

    def __init__(self, max_workers: int | None = None, work_queue_maxsize: int = 10) -> None:
        self.max_workers: int = max_workers or min(32, (os.cpu_count() or 1) + 4)
        self.work_queue_maxsize = work_queue_maxsize
        self._closed = False
        self._reset()
        if not _pools:
            at_exit(_wait_for_all)
        _pools.add(self)

    def _reset(self) -> None:
        lock = RLock()
        self._work, self._done = Condition(lock), Condition(lock)
        self._calls: deque[Call] = deque()
        self._threads = self._running = 0

    def submit(self, func: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call ``func(*args, **kwargs)`` on a thread; an exception is logged.  Returns None, when there is room.

        Raises:
            RuntimeError: the pool has been shut down, or there can be no thread.
        """
        with self._work:
            while len(self._calls) >= self.work_queue_maxsize and not self._closed:
                self._done.wait()
            if self._closed:
                raise RuntimeError("the pool has been shut down")
            self._calls.append((func, args, kwargs))
            if self._threads - self._running < len(self._calls) and self._threads < self.max_workers:
                self._start()
            self._work.notify()

    def shutdown(self, wait: bool = True) -> None:
        """Accept no more calls; with `wait` return when all have ended."""
        with self._work:
            self._closed = True
            self._work.notify_all()
            self._done.notify_all()
        if wait:
            self._wait()

    def _wait(self) -> None:
        with self._done:
            while self._calls or self._running:
                self._done.wait()

    def _start(self) -> None:
        self._threads += 1
        try:
            Thread(target=self._live, name="funboost-flexible", daemon=True).start()
        except RuntimeError:  # the system has no more threads: those that there are go on
            self._threads -= 1
            if not self._threads:
                self._calls.pop()
                raise

    def _live(self) -> None:
        loop: AbstractEventLoop | None = None
        while True:
            call = self._next()
            if call is None:
                break
            function, args, kwargs = call
            try:
                result = function(*args, **kwargs)
                if inspect.iscoroutine(result):
                    loop = loop or _new_loop()
                    loop.run_until_complete(result)
            except BaseException:
                logger.exception("%r failed in a FlexibleThreadPool.", function)
            call = result = None
            del function, args, kwargs  # nothing is kept alive by a thread that waits
            with self._done:
                self._running -= 1
                self._done.notify_all()
        if loop is not None:
            loop.close()

    def _next(self) -> Call | None:
        with self._work:
            while not self._calls:
                if self._closed or not self._work.wait(self.idle_seconds):
                    if self._calls:
                        break
                    self._threads -= 1
                    return None
            self._running += 1
            self._done.notify()
            return self._calls.popleft()


def _new_loop() -> AbstractEventLoop:
    import asyncio

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    return loop


_pools: weakref.WeakSet[FlexibleThreadPool] = weakref.WeakSet()


def _wait_for_all() -> None:
    for pool in list(_pools):
        pool._wait()


def _forget_threads() -> None:
    for pool in list(_pools):
        pool._reset()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)
