"""One thread that fetches, runs and settles in turn."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Callable

from funboost_core.native import Thread
from funboost_core.ports.pool import Adapted, PoolContext, ThreadPool

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop


class SingleThread(ThreadPool):
    """A crew of one, whatever ``concurrent_num`` says."""

    def __init__(self, context: PoolContext) -> None:
        super().__init__(context)
        self.limit = 1
        self._loop: AbstractEventLoop | None = None

    def adapt(self, function: Callable[..., Any]) -> Adapted:
        """Functions as they are; a coroutine function on one event loop, one call at a time."""
        if not inspect.iscoroutinefunction(function):
            return function
        return lambda **arguments: self._running_loop().run_until_complete(function(**arguments))

    def start(self, work: Callable[[], None]) -> None:
        """Run `work` on the one thread, which closes its loop when it ends, however late that is."""

        def life() -> None:
            try:
                work()
            finally:
                self.close()

        Thread(target=life, name=self.context.name, daemon=True).start()

    def resize(self, limit: int) -> None:
        """One at a time it stays."""

    def close(self) -> None:
        """Close the loop, if there is one and no run that was given up is still on it."""
        loop = self._loop
        if loop is not None and not loop.is_running():
            self._loop = None
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    def _running_loop(self) -> AbstractEventLoop:
        if self._loop is None:
            import asyncio

            self._loop = asyncio.new_event_loop()
        return self._loop
