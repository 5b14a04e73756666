"""What a publisher gets back: `AsyncResult` and its asyncio twin."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable
from typing import TYPE_CHECKING, Any, Callable, Generic, TypeVar

from pydantic_core import from_json

from .errors import ResultError, ResultTimeout, TaskFailed
from .native import off_hub

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from .environment import Environment
    from .status import FunctionResultStatus

R = TypeVar("R")

_WAIT = 120.0
_CALLBACK_THREADS = 200


class _Waiting:
    """What both kinds of result share."""

    __slots__ = ("_environment", "_rpc", "_status", "callback_run_executor", "task_id", "timeout")

    callback_run_executor: Executor | None

    def __init__(
        self,
        task_id: Any,
        timeout: float = _WAIT,
        environment: Environment | None = None,
        rpc: bool = True,
    ) -> None:
        self.task_id: Any = task_id
        self.timeout: float = timeout
        self._environment = environment
        self._rpc = rpc
        self._status: dict[str, Any] | None = None
        self.callback_run_executor = None

    def _fetch(self, timeout: float) -> dict[str, Any] | None:
        if self._status is None:
            if not self._rpc:
                raise ResultError(
                    f"Task {self.task_id} sends no result back. Set is_using_rpc_mode=True on the task or the message."
                )
            if self._environment is None:
                from .environment import default

                self._environment = default()
            payload = off_hub(self._await, self._environment, timeout)
            self._status = None if payload is None else from_json(payload)
        return self._status

    def _await(self, environment: Environment, timeout: float) -> bytes | None:
        return environment.state.replies.get(str(self.task_id), timeout)

    def _result(self) -> Any:
        status = self._fetch(self.timeout)
        if status is None:
            raise ResultTimeout(task_id=self.task_id, timeout=self.timeout)
        return status["result"]

    def _checked(self, raise_exception: bool) -> FunctionResultStatus:
        self._result()
        status = self._status
        assert status is not None
        if not status["success"]:
            chain = TaskFailed.chain(status)
            if raise_exception:
                raise TaskFailed(chain)
            status = {**status, "rpc_chain_error_msg_dict": chain}
        return _as_object(status)

    def _object(self) -> FunctionResultStatus | None:
        status = self._fetch(self.timeout)
        return None if status is None else _as_object(status)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.task_id!r})"


class AsyncResult(_Waiting, Generic[R]):
    """The result of a message, to be waited for; needs ``is_using_rpc_mode``.

    Args:
        task_id: the id of the message.
        timeout: most seconds to wait, 120 by default.

    Example::

        assert add.push(1, y=2).result == 3
    """

    __slots__ = ()

    def set_timeout(self, timeout: float) -> AsyncResult[R]:
        """Wait at most `timeout` seconds; returns itself."""
        self.timeout = timeout
        return self

    @property
    def result(self) -> R:
        """What the function returned.  Raises `ResultTimeout`; a failed run gives the text FUNC_RUN_ERROR."""
        return self._result()  # type: ignore[no-any-return]

    def get(self) -> R:
        """The same as `result`."""
        return self._result()  # type: ignore[no-any-return]

    @property
    def status_and_result(self) -> dict[str, Any] | None:
        """The status dict, None after the time-out."""
        return self._fetch(self.timeout)

    @property
    def status_and_result_obj(self) -> FunctionResultStatus | None:
        """The same as an object."""
        return self._object()

    rpc_data = status_and_result_obj

    def is_pending(self) -> bool:
        """True while no result has come."""
        return self._fetch(0) is None

    def is_success(self) -> bool:
        """Whether the run succeeded; waits for it."""
        self._result()
        return bool(self._status and self._status["success"])

    def wait_rpc_data_or_raise(self, raise_exception: bool = True) -> FunctionResultStatus:
        """Wait; raise `TaskFailed` for a failed run (unless told not to) and `ResultTimeout` when none came."""
        return self._checked(raise_exception)

    @classmethod
    def batch_wait_rpc_data_or_raise(
        cls, results: Iterable[AsyncResult[Any]], raise_exception: bool = True
    ) -> list[FunctionResultStatus]:
        """The same for many."""
        return [result.wait_rpc_data_or_raise(raise_exception) for result in results]

    def set_callback(self, callback: Callable[[dict[str, Any] | None], Any]) -> None:
        """Call ``callback(status_and_result)`` on another thread when the result has come.

        It gets None after the time-out.  The thread is one of `callback_run_executor`, where that is set, else of an
        executor that all results share.  An exception in the callback is logged.
        """

        def tell() -> None:
            try:
                callback(self.status_and_result)
            except Exception:
                _log_callback(self.task_id)

        (self.callback_run_executor or _callbacks()).submit(tell)


async def off_loop(function: Callable[..., R], *args: Any) -> R:
    """Run a blocking call of ours on a thread of the running loop's executor."""
    import asyncio

    return await asyncio.get_running_loop().run_in_executor(None, function, *args)


class AioAsyncResult(_Waiting, Generic[R]):
    """`AsyncResult` for coroutines: ``await r.result``, ``await r.status_and_result``, ``await r.get()`` …

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
        return await off_loop(self._result)

    @property
    def result(self) -> Coroutine[Any, Any, R]:
        """Awaitable: what the function returned."""
        return self.get()

    @property
    def status_and_result(self) -> Coroutine[Any, Any, dict[str, Any] | None]:
        """Awaitable: the status dict, None after the time-out."""
        return off_loop(self._fetch, self.timeout)

    @property
    def rpc_data(self) -> Coroutine[Any, Any, FunctionResultStatus | None]:
        """Awaitable: the status as an object, None after the time-out."""
        return off_loop(self._object)

    status_and_result_obj = rpc_data

    async def is_pending(self) -> bool:
        """True while no result has come."""
        return await off_loop(self._fetch, 0.0) is None

    async def is_success(self) -> bool:
        """Whether the run succeeded; waits for it."""
        await off_loop(self._result)
        return bool(self._status and self._status["success"])

    async def wait_rpc_data_or_raise(self, raise_exception: bool = True) -> FunctionResultStatus:
        """Wait; raise `TaskFailed` for a failed run (unless told not to) and `ResultTimeout` when none came."""
        return await off_loop(self._checked, raise_exception)

    @classmethod
    async def batch_wait_rpc_data_or_raise(
        cls, results: Iterable[AioAsyncResult[Any]], raise_exception: bool = True
    ) -> list[FunctionResultStatus]:
        """The same for many, all awaited at once."""
        import asyncio

        return list(await asyncio.gather(*(result.wait_rpc_data_or_raise(raise_exception) for result in results)))

    async def set_callback(self, callback: Callable[[dict[str, Any] | None], Coroutine[Any, Any, Any]]) -> None:
        """Await ``callback(status_and_result)`` when the result has come, in a task of the running loop.

        It gets None after the time-out.  An exception in it is logged.
        """
        import asyncio

        async def tell() -> None:
            status = await self.status_and_result
            try:
                await callback(status)
            except Exception:
                _log_callback(self.task_id)

        task = asyncio.get_running_loop().create_task(tell())
        _telling.add(task)  # a loop holds its tasks only weakly
        task.add_done_callback(_telling.discard)


_telling: set[Any] = set()
_executor: Executor | None = None


def _as_object(status: dict[str, Any]) -> FunctionResultStatus:
    from .status import FunctionResultStatus

    return FunctionResultStatus(status)


def _callbacks() -> Executor:
    """Threads for callbacks, started when first needed."""
    global _executor
    if _executor is None:
        from concurrent.futures import ThreadPoolExecutor

        _executor = ThreadPoolExecutor(_CALLBACK_THREADS, "funboost-callback")
    return _executor


def _log_callback(task_id: Any) -> None:
    import logging

    logging.getLogger("funboost.results").error("The callback for the result of %s failed.", task_id, exc_info=True)
