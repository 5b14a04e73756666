"""What both kinds of result share: which reply is waited for, and what is made of it.

A program that only publishes imports this, but not what waits.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic_core import from_json

from .errors import ResultError, ResultTimeout, TaskFailed
from .native import blocking_allowed

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from .arrivals import Wait
    from .environment import Environment
    from .status import FunctionResultStatus

A = TypeVar("A", bound="Awaited")

WAIT = 120.0
"""Seconds that a result is waited for, where nothing else is said."""


class Awaited:
    """One result."""

    __slots__ = ("_environment", "_rpc", "_status", "callback_run_executor", "task_id", "timeout")

    callback_run_executor: Executor | None

    def __init__(
        self,
        task_id: Any,
        timeout: float = WAIT,
        environment: Environment | None = None,
        rpc: bool = True,
    ) -> None:
        self.task_id: Any = task_id
        self.timeout: float = timeout
        self._environment = environment
        self._rpc = rpc
        self._status: dict[str, Any] | None = None
        self.callback_run_executor = None

    def _place(self) -> Environment:
        if self._environment is None:
            from .environment import default

            self._environment = default()
        return self._environment

    def _replying(self) -> Environment:
        if not self._rpc:
            raise ResultError(
                f"Task {self.task_id} sends no result back. Set is_using_rpc_mode=True on the task or the message."
            )
        return self._place()

    def _wait(self, timeout: float) -> Wait:
        from .arrivals import Wait

        return Wait(self, self._replying(), str(self.task_id), timeout)

    def _keep(self, payload: bytes | None) -> dict[str, Any] | None:
        if payload is not None:
            self._status = from_json(payload)
        return self._status

    def _value(self, status: dict[str, Any] | None) -> Any:
        if status is None:
            raise ResultTimeout(task_id=self.task_id, timeout=self.timeout)
        return status["result"]

    def _checked(self, status: dict[str, Any] | None, raise_exception: bool) -> FunctionResultStatus:
        self._value(status)
        assert status is not None
        if not status["success"]:
            chain = TaskFailed.chain(status)
            if raise_exception:
                raise TaskFailed(chain)
            status = {**status, "rpc_chain_error_msg_dict": chain}
        return as_object(status)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.task_id!r})"


def get_reply(environment: Environment, key: str, timeout: float) -> bytes | None:
    """The reply, waited for: by this thread itself, except where it may be interrupted or other greenlets go on."""
    from .context import current

    if blocking_allowed() and (timeout <= 0 or current.get(None) is None):
        return environment.state.replies.get(key, timeout)
    from .arrivals import Arrivals, Wait

    with Arrivals[None]([Wait(None, environment, key, timeout)]) as arrivals:
        return next(arrivals)[1]


async def aio_get_reply(environment: Environment, key: str, timeout: float) -> bytes | None:
    """The same for a coroutine."""
    from .arrivals import AioArrivals, Wait

    async with AioArrivals[None]([Wait(None, environment, key, timeout)]) as arrivals:
        return (await arrivals.__anext__())[1]


def split(results: Iterable[A], timeout: float | None) -> tuple[list[A], list[Wait]]:
    """Those that have come, and what is to be waited for on behalf of the others."""
    awaited = list(results)
    known = [result for result in awaited if result._status is not None]
    waits = [
        result._wait(result.timeout if timeout is None else timeout) for result in awaited if result._status is None
    ]
    return known, waits


def as_object(status: dict[str, Any]) -> FunctionResultStatus:
    """A status dict as an object."""
    from .status import FunctionResultStatus

    return FunctionResultStatus(status)
