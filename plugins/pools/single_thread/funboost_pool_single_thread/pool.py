"""One thread that fetches, runs and settles in turn."""

from __future__ import annotations

import inspect
from typing import Any, Callable

from funboost_core.loops import Loops
from funboost_core.native import Thread
from funboost_core.ports.pool import Adapted, PoolContext, ThreadPool


class SingleThread(ThreadPool):
    """A crew of one, whatever ``concurrent_num`` says."""

    def __init__(self, context: PoolContext) -> None:
        super().__init__(context)
        self.limit = 1
        self._loops = Loops()  # by thread: one that hangs is replaced, and keeps its own

    def adapt(self, function: Callable[..., Any]) -> Adapted:
        """Functions as they are; a coroutine function on one event loop, one call at a time."""
        return self._loops.blocking(function) if inspect.iscoroutinefunction(function) else function

    def start(self, work: Callable[[], None]) -> None:
        """Run `work` on the one thread."""
        Thread(target=self._loops.live, args=(work,), name=self.context.name, daemon=True).start()

    def resize(self, limit: int) -> None:
        """One at a time it stays."""

    def close(self) -> None:
        """The thread ends by itself, and closes its loop."""
        self._loops.close_abandoned()
