"""Threads that start when there is work for them and end when there is none."""

from __future__ import annotations

import inspect
import itertools
from typing import Any, Callable

from funboost_core.loops import Loops
from funboost_core.native import Thread
from funboost_core.ports.pool import Adapted, PoolContext, ThreadPool


class Threads(ThreadPool):
    """Real threads, at most `limit`; each that runs coroutines has an event loop of its own."""

    def __init__(self, context: PoolContext) -> None:
        super().__init__(context)
        self._numbers = itertools.count(1)
        self._loops = Loops()

    def adapt(self, function: Callable[..., Any]) -> Adapted:
        """Functions as they are; coroutine functions on the thread's own loop."""
        return self._loops.blocking(function) if inspect.iscoroutinefunction(function) else function

    def start(self, work: Callable[[], None]) -> None:
        """Run `work` on a new thread.  Daemon: the core keeps the process alive and drains, so that a task that hangs
        cannot keep a process from ending for ever."""
        name = f"{self.context.name}-{next(self._numbers)}"
        Thread(target=self._loops.live, args=(work,), name=name, daemon=True).start()

    def close(self) -> None:
        """The threads end by themselves, and close their loops."""
        self._loops.close_abandoned()
