"""Coroutines on one event loop: one of the pool's own on a thread, or the user's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Callable, ClassVar

from funboost_core import ConfigError, Delivery
from funboost_core.native import Event, Lock, Thread
from funboost_core.ports.pool import Finished, PoolContext, Runner, TaskPool
from funboost_core.signature import is_coroutine

PATIENCE = 5.0
"""Seconds that closing waits for the loop to end."""
_starting = Lock()  # several pools may share a loop of the user's


class Asyncio(TaskPool):
    """A task of its own for each message, so that context variables stay apart."""

    asynchronous: ClassVar[bool] = True

    def __init__(self, context: PoolContext) -> None:
        super().__init__(context)
        self._tasks: set[asyncio.Task[None]] = set()
        self._own = context.loop is None
        self._loop: asyncio.AbstractEventLoop = asyncio.new_event_loop() if self._own else context.loop
        self._thread: Thread | None = None
        self._closing = False
        if self._own or context.start_loop:
            with _starting:
                if not self._loop.is_running():
                    self._start()

    @classmethod
    def check(cls, function: Callable[..., Any]) -> None:
        """Only coroutine functions: a plain one would block the loop."""
        if not is_coroutine(function):
            raise ConfigError(
                f"{getattr(function, '__qualname__', function)} is a plain function, which would block the event loop "
                "of concurrent_mode 'asyncio'. Make it `async def`, or use concurrent_mode='threading'."
            )

    def submit(self, deliveries: Sequence[Delivery], run: Runner, finished: Finished) -> None:
        """Start a task for each message on the loop."""
        self._loop.call_soon_threadsafe(self._begin, deliveries, run, finished)

    def close(self) -> None:
        """End the loop if it is our own; tasks that were given up are cancelled."""
        if self._thread is not None and self._thread.is_alive() and not self._closing:
            self._closing = True
            asyncio.run_coroutine_threadsafe(self._cancel(), self._loop)
            self._thread.join(PATIENCE)  # the loop ends later where a task holds it up

    def _start(self) -> None:
        turning = Event()
        self._loop.call_soon_threadsafe(turning.set)
        self._thread = Thread(target=self._turn, name=f"{self.context.name}-loop", daemon=True)
        self._thread.start()
        turning.wait()  # otherwise the next pool on this loop would start it again

    def _begin(self, deliveries: Sequence[Delivery], run: Runner, finished: Finished) -> None:
        for delivery in deliveries:
            task = self._loop.create_task(_work(delivery, run, finished))
            self._tasks.add(task)  # the loop itself keeps only a weak reference
            task.add_done_callback(self._tasks.discard)

    async def _cancel(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._loop.stop()

    def _turn(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        if self._own:
            self._loop.close()


async def _work(delivery: Delivery, run: Runner, finished: Finished) -> None:
    finished(delivery, await run(delivery))
