"""One thread that fetches, runs and settles in turn."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Callable

from funboost_core.native import Thread, get_ident
from funboost_core.ports.pool import Adapted, PoolContext, ThreadPool

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop


class SingleThread(ThreadPool):
    """A crew of one, whatever ``concurrent_num`` says."""

    def __init__(self, context: PoolContext) -> None:
        super().__init__(context)
        self.limit = 1
        self._loops: dict[int, AbstractEventLoop] = {}  # by thread: one that hangs is replaced, and keeps its own

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
        """Close the loops on which no run that was given up still is."""
        for ident, loop in list(self._loops.items()):
            if not loop.is_running() and self._loops.pop(ident, None) is loop:
                loop.run_until_complete(loop.shutdown_asyncgens())
                loop.close()

    def _running_loop(self) -> AbstractEventLoop:
        loop = self._loops.get(get_ident())
        if loop is None:
            import asyncio

            loop = self._loops[get_ident()] = asyncio.new_event_loop()
        return loop
