"""One thread that fetches, runs and settles in turn."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
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
        self._alive: set[int] = set()  # the pool's own threads: nobody else closes their loops

    def adapt(self, function: Callable[..., Any]) -> Adapted:
        """Functions as they are; a coroutine function on one event loop, one call at a time."""
        if not inspect.iscoroutinefunction(function):
            return function
        return lambda **arguments: self._running_loop().run_until_complete(function(**arguments))

    def start(self, work: Callable[[], None]) -> None:
        """Run `work` on the one thread, which closes its loop when it ends, however late that is."""

        def life() -> None:
            ident = get_ident()
            self._alive.add(ident)
            try:
                work()
            finally:
                self._close([ident])
                self._alive.discard(ident)

        Thread(target=life, name=self.context.name, daemon=True).start()

    def resize(self, limit: int) -> None:
        """One at a time it stays."""

    def close(self) -> None:
        """Close the loops of threads that were not the pool's own, an engine's for example, where nothing runs."""
        loops = self._loops.copy().items()
        abandoned = [ident for ident, loop in loops if ident not in self._alive and not loop.is_running()]
        if abandoned:  # on another thread, for a loop may be running on this one
            thread = Thread(target=self._close, args=(abandoned,), daemon=True)
            thread.start()
            thread.join()

    def _close(self, idents: Iterable[int]) -> None:
        for loop in filter(None, [self._loops.pop(ident, None) for ident in idents]):
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    def _running_loop(self) -> AbstractEventLoop:
        loop = self._loops.get(get_ident())
        if loop is None:
            import asyncio

            loop = self._loops[get_ident()] = asyncio.new_event_loop()
        return loop
