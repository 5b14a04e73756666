"""What a publisher gets back: `AsyncResult`, its asyncio twin, and the status of a run."""

from __future__ import annotations

import datetime
import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Callable, Generic, TypeVar

from pydantic_core import from_json

from .errors import ResultError, ResultTimeout
from .message import encode
from .native import get_ident

if TYPE_CHECKING:
    from .environment import Environment
    from .outcome import Outcome, Verdict
    from .ports.broker import Delivery

R = TypeVar("R")

FAILED = "FUNC_RUN_ERROR"
"""The `result` of a run that failed."""
_WAIT = 120.0


class FunctionResultStatus:
    """Status and result of the run of one message.

    Attributes: `queue_name, function, msg_dict, params, params_str, task_id, publish_time, host_name, host_process,
    process_id, thread_id, script_name, run_times, run_status` ("running" or "finish"), `success, result, exception,
    exception_type, exception_msg, time_start, time_end, time_cost` (seconds), `rpc_chain_error_msg_dict`.
    """

    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"a FunctionResultStatus has no {name!r}; it has {', '.join(sorted(self.__dict__))}")

    @classmethod
    def running(cls, delivery: Delivery) -> FunctionResultStatus:
        """The status while the function runs."""
        return cls(_describe(delivery, None, "running"))

    @classmethod
    def finished(cls, delivery: Delivery, outcome: Outcome, verdict: Verdict) -> FunctionResultStatus:
        """The status after the last run of a message."""
        return cls(_describe(delivery, outcome, "finish"))

    @classmethod
    def parse_status_and_result_to_obj(cls, status: dict[str, Any]) -> FunctionResultStatus:
        """The object of a status dict."""
        return cls(status)

    def get_status_dict(self, without_datetime_obj: bool = False) -> dict[str, Any]:
        """All of it as a dict with ``_id`` and insert times; `without_datetime_obj` leaves only JSON types."""
        now = datetime.datetime.now()
        status = {
            **self.__dict__,
            "_id": self.task_id,
            "insert_time_str": now.strftime("%Y-%m-%d %H:%M:%S"),
            "insert_minutes": now.strftime("%Y-%m-%d %H:%M"),
        }
        if not without_datetime_obj:
            status.update(insert_time=now, utime=datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None))
        return status

    def to_pretty_json_str(self) -> str:
        """Indented JSON; datetimes become text."""
        import json

        return json.dumps(self.get_status_dict(), ensure_ascii=False, indent=4, default=str)

    def __repr__(self) -> str:
        return f"FunctionResultStatus(task_id={self.task_id!r}, run_status={self.run_status!r}, success={self.success})"


_HOST = ""


def _describe(delivery: Delivery, outcome: Outcome | None, run_status: str) -> dict[str, Any]:
    global _HOST
    if not _HOST:
        import socket

        _HOST = socket.gethostname()
    task, extra, error = delivery.plan.task, delivery.extra, outcome.error if outcome else None
    main = str(getattr(sys.modules.get("__main__"), "__file__", "") or "")
    return {
        "queue_name": task.queue_name,
        "function": getattr(task.function, "__name__", ""),
        "msg_dict": {**delivery.arguments, "extra": extra},
        "params": delivery.arguments,
        "params_str": _text(delivery.arguments),
        "task_id": extra["task_id"],
        "publish_time": extra["publish_time"],
        "publish_time_str": extra.get("publish_time_format", ""),
        "host_name": _HOST,
        "host_process": f"{_HOST} - {os.getpid()}",
        "process_id": os.getpid(),
        "thread_id": get_ident(),
        "script_name": os.path.basename(main),
        "script_name_long": main,
        "run_times": outcome.runs if outcome else delivery.runs + 1,
        "run_status": run_status,
        "success": bool(outcome and outcome.success),
        "result": (outcome.result if error is None else FAILED) if outcome else None,
        "exception": f"{type(error).__name__}    {error}" if error is not None else None,
        "exception_type": type(error).__name__ if error is not None else None,
        "exception_msg": str(error) if error is not None else None,
        "rpc_chain_error_msg_dict": None,
        "time_start": outcome.started if outcome else None,
        "time_end": outcome.ended if outcome else None,
        "time_cost": round(outcome.ended - outcome.started, 6) if outcome else None,
        "rpc_result_expire_seconds": delivery.plan.params.rpc_result_expire_seconds,
    }


def _text(value: Any) -> str:
    import json  # not at the top: a program that only publishes does without it

    return json.dumps(value, ensure_ascii=False, default=str)


def dump(status: FunctionResultStatus) -> bytes:
    """A status as JSON; a result that JSON cannot carry travels as its text, cut to 1000 characters."""
    values = status.get_status_dict(without_datetime_obj=True)
    try:
        return encode(values)
    except TypeError:
        values["result"] = str(values["result"])[:1000]
        return _text(values).encode()


class _Waiting:
    """What both kinds of result share."""

    __slots__ = ("_environment", "_rpc", "_status", "task_id", "timeout")

    def __init__(
        self,
        task_id: Any,
        timeout: float = _WAIT,
        environment: Environment | None = None,
        rpc: bool = True,
    ) -> None:
        self.task_id = task_id
        self.timeout = timeout
        self._environment = environment
        self._rpc = rpc
        self._status: dict[str, Any] | None = None

    def _fetch(self, timeout: float) -> dict[str, Any] | None:
        if self._status is None:
            if not self._rpc:
                raise ResultError(
                    f"Task {self.task_id} sends no result back. Set is_using_rpc_mode=True on the task or the message."
                )
            if self._environment is None:
                from .environment import default

                self._environment = default()
            payload = self._environment.state.replies.get(str(self.task_id), timeout)
            self._status = None if payload is None else from_json(payload)
        return self._status

    def _result(self) -> Any:
        status = self._fetch(self.timeout)
        if status is None:
            raise ResultTimeout(task_id=self.task_id, timeout=self.timeout)
        return status["result"]

    def _checked(self, raise_exception: bool) -> FunctionResultStatus:
        self._result()
        assert self._status is not None
        if raise_exception and not self._status["success"]:
            raise ResultError(error=self._status["exception"])
        return FunctionResultStatus(self._status)

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
        status = self._fetch(self.timeout)
        return None if status is None else FunctionResultStatus(status)

    rpc_data = status_and_result_obj

    def is_pending(self) -> bool:
        """True while no result has come."""
        return self._fetch(0) is None

    def is_success(self) -> bool:
        """Whether the run succeeded; waits for it."""
        self._result()
        return bool(self._status and self._status["success"])

    def wait_rpc_data_or_raise(self, raise_exception: bool = True) -> FunctionResultStatus:
        """Wait; raise `ResultError` for a failed run (unless told not to) and `ResultTimeout` when none came."""
        return self._checked(raise_exception)

    @classmethod
    def batch_wait_rpc_data_or_raise(
        cls, results: Iterable[AsyncResult[Any]], raise_exception: bool = True
    ) -> list[FunctionResultStatus]:
        """The same for many."""
        return [result.wait_rpc_data_or_raise(raise_exception) for result in results]


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
    def result(self) -> Any:
        """Awaitable: what the function returned."""
        return self.get()

    @property
    def status_and_result(self) -> Any:
        """Awaitable: the status dict, None after the time-out."""
        return off_loop(self._fetch, self.timeout)

    @property
    def rpc_data(self) -> Any:
        """Awaitable: the status as an object, None after the time-out."""
        return self._object()

    status_and_result_obj = rpc_data

    async def _object(self) -> FunctionResultStatus | None:
        status = await off_loop(self._fetch, self.timeout)
        return None if status is None else FunctionResultStatus(status)

    async def is_pending(self) -> bool:
        """True while no result has come."""
        return await off_loop(self._fetch, 0.0) is None

    async def is_success(self) -> bool:
        """Whether the run succeeded; waits for it."""
        await off_loop(self._result)
        return bool(self._status and self._status["success"])

    async def wait_rpc_data_or_raise(self, raise_exception: bool = True) -> FunctionResultStatus:
        """Wait; raise `ResultError` for a failed run (unless told not to) and `ResultTimeout` when none came."""
        return await off_loop(self._checked, raise_exception)
