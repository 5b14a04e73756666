"""`FlexibleThreadPool` as an executor of the standard library: `submit` returns a future."""

from __future__ import annotations

import inspect
from collections.abc import Coroutine
from concurrent.futures import Executor, Future
from typing import Any, Callable

from .flexible_thread_pool import FlexibleThreadPool

__all__ = ["BoundedThreadPoolExecutor", "CustomThreadPoolExecutor", "ThreadPoolExecutorShrinkAble"]


class ThreadPoolExecutorShrinkAble(FlexibleThreadPool, Executor):
    """An executor whose threads start and end with the work, and whose `submit` blocks when ten calls wait.

    Example::

        with ThreadPoolExecutorShrinkAble(1_000_000) as pool:
            future = pool.submit(pow, 2, 10)
    """

    def submit(self, func: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call ``func(*args, **kwargs)`` on a thread."""
        future: Future[Any] = Future()
        super().submit(_called, future, func, args, kwargs)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As of the standard library."""
        super().shutdown(wait=False)
        if cancel_futures:
            with self._work:
                futures = [future for _, (future, *_call), _kwargs in self._calls]
            for future in futures:
                future.cancel()  # without the lock: who is called back may need the pool
        if wait:
            self._wait()


CustomThreadPoolExecutor = BoundedThreadPoolExecutor = ThreadPoolExecutorShrinkAble


def _called(
    future: Future[Any], function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Coroutine[Any, Any, None] | None:
    if not future.set_running_or_notify_cancel():
        return None
    try:
        result = function(*args, **kwargs)
    except BaseException as error:
        future.set_exception(error)
        return None
    if inspect.iscoroutine(result):
        return _awaited(future, result)
    future.set_result(result)
    return None


async def _awaited(future: Future[Any], result: Coroutine[Any, Any, Any]) -> None:
    try:
        future.set_result(await result)
    except BaseException as error:
        future.set_exception(error)
