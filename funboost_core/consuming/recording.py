"""The user's record function: told of each message that is finished; a coroutine function on an event loop."""

from __future__ import annotations

from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Callable

from ..outcome import Requeue, Retry
from ..status import FunctionResultStatus

if TYPE_CHECKING:
    from ..outcome import Outcome, Verdict
    from ..ports.broker import Delivery

LONGEST = 60.0
"""Seconds that a coroutine may take; it is cancelled then."""

Call = Callable[..., Any]


class Recorder:
    """Calls `user_custom_record_process_info_func` on the thread that finishes a message, before it is acknowledged.

    A coroutine function runs where coroutine functions of the task run: on the loop of the pool, or as `adapt` calls
    them on this thread; beside greenlets, on a loop of its own each time.
    """

    def __init__(self, function: Call, adapt: Callable[[Call], Call]) -> None:
        self._function = function
        self._adapt = adapt
        self._tell: Call = self._plainly
        self._loop: Any = None

    def noting(self, call: Call) -> Call:
        """`call`, with its loop noted where that is needed."""
        if not iscoroutinefunction(self._function):
            return call
        self._tell = self._adapt(self._awaited)
        if not iscoroutinefunction(self._tell):
            return call
        if not iscoroutinefunction(call):  # greenlets
            self._tell = self._by_itself
            return call
        self._tell = self._on_the_loop
        return self._noting(call)

    def __call__(self, delivery: Delivery, outcome: Outcome, verdict: Verdict) -> None:
        """Tell of a message that is finished."""
        if not isinstance(verdict, (Retry, Requeue)):
            self._tell(status=FunctionResultStatus.finished(delivery, outcome, verdict))

    def _plainly(self, status: FunctionResultStatus) -> None:
        self._function(status)

    def _by_itself(self, status: FunctionResultStatus) -> None:
        import asyncio

        asyncio.run(self._function(status))

    async def _awaited(self, status: FunctionResultStatus) -> None:
        await self._function(status)

    def _noting(self, call: Call) -> Call:
        from asyncio import get_running_loop

        async def noted(**arguments: Any) -> Any:
            self._loop = get_running_loop()
            return await call(**arguments)

        return noted

    def _on_the_loop(self, status: FunctionResultStatus) -> None:
        from asyncio import run_coroutine_threadsafe

        future = run_coroutine_threadsafe(self._function(status), self._loop)
        try:
            future.result(LONGEST)
        finally:
            future.cancel()
