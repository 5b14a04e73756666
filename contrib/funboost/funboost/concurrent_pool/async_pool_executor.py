"""Coroutines on one event loop."""

from __future__ import annotations

import asyncio
import weakref
from typing import Any, Callable

from funboost_core.lifetime import at_exit
from funboost_core.native import Condition, Thread
from funboost_core.signature import is_coroutine

from .base_pool_type import FunboostBaseConcurrentPool, logger


class AsyncPoolExecutor(FunboostBaseConcurrentPool):
    """Runs coroutine functions on one event loop, at most `size` at once.

    It is no `specify_concurrent_pool`: mode ``async`` has one of its own.  At its end the process waits for what was
    submitted.

    Args:
        size: most coroutines at once; `submit` blocks meanwhile.
        specify_async_loop: the loop; a new one if None.
        is_auto_start_specify_async_loop_in_child_thread: False = you run that loop yourself.

    Example::

        pool = AsyncPoolExecutor(100)
        for url in urls:
            pool.submit(download, url)
    """

    def __init__(
        self,
        size: int,
        specify_async_loop: asyncio.AbstractEventLoop | None = None,
        is_auto_start_specify_async_loop_in_child_thread: bool = True,
    ) -> None:
        self.size = size
        self.loop: asyncio.AbstractEventLoop = specify_async_loop or asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._running = 0
        self._changed = Condition()
        if (
            specify_async_loop is None or is_auto_start_specify_async_loop_in_child_thread
        ) and not self.loop.is_running():
            Thread(target=self._turn, name="funboost-async-pool", daemon=True).start()
            if not _pools:
                at_exit(_wait_for_all)
            _pools.add(self)

    def submit(self, func: Callable[..., Any], /, *args: Any, **kwargs: Any) -> None:
        """Start ``func(*args, **kwargs)``; an exception is logged.

        Raises:
            TypeError: `func` is a plain function, which would block the loop.
            RuntimeError: there are `size` already and this is the loop's own thread, which must not wait.
        """
        if not is_coroutine(func):
            raise TypeError(f"AsyncPoolExecutor runs `async def` functions, and {func!r} is none.")
        with self._changed:
            while self._running >= self.size:
                if asyncio._get_running_loop() is self.loop:
                    raise RuntimeError(f"{self.size} coroutines run already, and waiting here would stop them all")
                self._changed.wait()
            self._running += 1
        try:
            self.loop.call_soon_threadsafe(self._begin, func, args, kwargs)
        except RuntimeError:  # the loop is closed
            self._leave()
            raise

    def _turn(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def _begin(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        task = self.loop.create_task(self._run(function, args, kwargs))
        self._tasks.add(task)  # the loop itself keeps only a weak reference
        task.add_done_callback(self._tasks.discard)

    async def _run(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        try:
            await function(*args, **kwargs)
        except Exception:
            logger.exception("%r failed in an AsyncPoolExecutor.", function)
        finally:
            self._leave()

    def _leave(self) -> None:
        with self._changed:
            self._running -= 1
            self._changed.notify_all()

    def _wait(self) -> None:
        with self._changed:
            while self._running:
                self._changed.wait()


_pools: weakref.WeakSet[AsyncPoolExecutor] = weakref.WeakSet()


def _wait_for_all() -> None:
    for pool in list(_pools):
        pool._wait()
