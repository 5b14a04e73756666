"""One thread that fetches, runs and settles in turn."""

from __future__ import annotations

import inspect
from typing import Any, Callable

from funboost_core.native import Thread
from funboost_core.ports.pool import Adapted, PoolContext, ThreadPool


class SingleThread(ThreadPool):
    """A crew of one, whatever ``concurrent_num`` says."""

    def __init__(self, context: PoolContext) -> None:
        super().__init__(context)
        self.limit = 1

    def adapt(self, function: Callable[..., Any]) -> Adapted:
        """Functions as they are; a coroutine function on one event loop, one call at a time."""
        if not inspect.iscoroutinefunction(function):
            return function
        import asyncio

        loop = asyncio.new_event_loop()
        self._loop = loop
        return lambda **arguments: loop.run_until_complete(function(**arguments))

    def start(self, work: Callable[[], None]) -> None:
        """Run `work` on the one thread."""
        Thread(target=work, name=self.context.name, daemon=True).start()

    def resize(self, limit: int) -> None:
        """One at a time it stays."""

    def close(self) -> None:
        """Close the loop, if there was one."""
        loop = getattr(self, "_loop", None)
        if loop is not None and not loop.is_running():
            loop.close()
