"""What a publisher gets back in a coroutine: `AioAsyncResult`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Coroutine, Iterable
from typing import TYPE_CHECKING, Any, Callable, Generic, TypeVar

from .arrivals import AioArrivals
from .awaited import Awaited, aio_get_reply, as_object, split
from .progress import key_of, value_of

if TYPE_CHECKING:
    from .status import FunctionResultStatus

R = TypeVar("R")
T = TypeVar("T")


class AioAsyncResult(Awaited, Generic[R]):
    """`AsyncResult` for coroutines: ``await r.result``, ``await r.status_and_result``, ``await r.get()`` …

    Thousands of coroutines that wait share one thread.

    Example::

        assert await (await add.aio_push(1, y=2)).result == 3
    """

    __slots__ = ()

    def set_timeout(self, timeout: float) -> AioAsyncResult[R]:
        """Wait at most `timeout` seconds; returns itself."""
        self.timeout = timeout
        return self

    async def get(self) -> R:
        """What the function returned."""
        return self._value(await self._fetch(self.timeout))  # type: ignore[no-any-return]

    @property
    def result(self) -> Coroutine[Any, Any, R]:
        """Awaitable: what the function returned."""
        return self.get()

    @property
    def status_and_result(self) -> Coroutine[Any, Any, dict[str, Any] | None]:
        """Awaitable: the status dict, None after the time-out."""
        return self._fetch(self.timeout)

    @property
    def rpc_data(self) -> Coroutine[Any, Any, FunctionResultStatus | None]:
        """Awaitable: the status as an object, None after the time-out."""
        return self._object()

    status_and_result_obj = rpc_data

    async def is_pending(self) -> bool:
        """True while no result has come."""
        return await self._fetch(0) is None

    async def is_success(self) -> bool:
        """Whether the run succeeded; waits for it."""
        status = await self._fetch(self.timeout)
        self._value(status)
        return bool(status and status["success"])

    async def wait_rpc_data_or_raise(self, raise_exception: bool = True) -> FunctionResultStatus:
        """Wait; raise `TaskFailed` for a failed run (unless told not to) and `ResultTimeout` when none came."""
        return self._checked(await self._fetch(self.timeout), raise_exception)

    @classmethod
    async def batch_wait_rpc_data_or_raise(
        cls, results: Iterable[AioAsyncResult[Any]], raise_exception: bool = True
    ) -> list[FunctionResultStatus]:
        """The same for many, in their order.  All are awaited at once: the first that fails raises at once."""
        awaited = list(results)
        async for result in cls.as_completed(awaited):
            result._checked(result._status, raise_exception)
        return [result._checked(result._status, raise_exception) for result in awaited]

    @classmethod
    async def as_completed(
        cls, results: Iterable[AioAsyncResult[T]], timeout: float | None = None
    ) -> AsyncGenerator[AioAsyncResult[T], None]:
        """`AsyncResult.as_completed` for ``async for``."""
        known, waits = split(results, timeout)
        for result in known:
            yield result
        async with AioArrivals[AioAsyncResult[T]](waits) as arrivals:
            async for result, payload in arrivals:
                result._value(result._keep(payload))
                yield result

    @property
    def progress(self) -> Coroutine[Any, Any, Any]:
        """Awaitable: what the task has reported last; None before."""
        return self._progress()

    async def follow_progress(self, interval: float = 0.5) -> AsyncGenerator[Any, None]:
        """`AsyncResult.follow_progress` for ``async for``."""
        environment = self._replying()
        key, seen = key_of(self.task_id), None
        deadline = environment.clock.monotonic() + self.timeout
        while True:
            ended = self._status is not None
            payload = await aio_get_reply(environment, key, 0)
            if payload is not None and payload != seen:
                seen = payload
                yield value_of(payload)
            if ended:
                return
            left = deadline - environment.clock.monotonic()
            if await self._fetch(max(0.0, min(interval, left))) is None and left <= interval:
                self._value(None)

    async def set_callback(self, callback: Callable[[dict[str, Any] | None], Coroutine[Any, Any, Any]]) -> None:
        """Await ``callback(status_and_result)`` when the result has come, in a task of the running loop.

        It gets None after the time-out.  An exception in it is logged.
        """
        import asyncio

        from . import callbacks

        self._replying()

        async def tell() -> None:
            try:
                await callback(await self._fetch(self.timeout))
            except Exception:
                callbacks.log_failure(self.task_id)

        task = asyncio.get_running_loop().create_task(tell())
        callbacks.telling.add(task)
        task.add_done_callback(callbacks.telling.discard)

    async def _fetch(self, timeout: float) -> dict[str, Any] | None:
        if self._status is None:
            self._keep(await aio_get_reply(self._replying(), str(self.task_id), timeout))
        return self._status

    async def _object(self) -> FunctionResultStatus | None:
        status = await self._fetch(self.timeout)
        return None if status is None else as_object(status)

    async def _progress(self) -> Any:
        return value_of(await aio_get_reply(self._place(), key_of(self.task_id), 0))


async def off_loop(function: Callable[..., R], *args: Any) -> R:
    """Run a blocking call of ours on a thread of the running loop's executor."""
    import asyncio

    return await asyncio.get_running_loop().run_in_executor(None, function, *args)
