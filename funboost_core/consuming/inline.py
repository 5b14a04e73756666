"""Working messages off on the thread that asks for it, when it asks: for tests and programs with a loop of their own."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, Callable

from ..ports.pool import Adapted, PoolContext, ThreadPool
from .execution import SUCCESS, prepare, run, work_out
from .line import Line

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from ..outcome import Outcome
    from ..ports.broker import Delivery
    from .fetching import Intake
    from .settling import Settler


class InlinePool(ThreadPool):
    """No thread at all; coroutine functions run on a loop of the pool's own.

    Example::

        consumer = Consumer(task, InlinePool())
        consumer.start()
        consumer.line.turn()
        consumer.stop()
        consumer.release()
    """

    def __init__(self) -> None:
        super().__init__(PoolContext(1, "funboost-inline"))
        self._loop: AbstractEventLoop | None = None

    def adapt(self, function: Callable[..., Any]) -> Adapted:
        """Functions as they are, coroutine functions until they have ended."""
        if not inspect.iscoroutinefunction(function):
            return function

        @functools.wraps(function)
        def call(**arguments: Any) -> Any:
            if self._loop is None:
                import asyncio

                self._loop = asyncio.new_event_loop()
            return self._loop.run_until_complete(function(**arguments))

        return call

    def start(self, work: Callable[[], None]) -> None:
        """Here and now: there is no other thread."""
        work()

    def close(self) -> None:
        """Close the loop, if there is one."""
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()


class Inline(Line):
    """The line of an `InlinePool`."""

    running = 0  # between two turns

    def __init__(self, intake: Intake, settler: Settler, conclude: Callable[[Delivery, Outcome], bool]) -> None:
        self._intake = intake
        self._settler = settler
        self._conclude = conclude

    def turn(self) -> int:
        """Take what is there, without waiting, and run it; how many messages came, run or not."""
        before = self._intake.fetched
        for delivery in self._intake.take(1, wait=0):
            prepare(delivery)
            work_out(delivery, run(delivery) or SUCCESS, self._conclude, self._settler)
            self._intake.finished += 1
        self._settler.flush()
        return self._intake.fetched - before

    def start(self) -> None:
        """Nothing: `turn` does the work."""

    def resize(self, limit: int) -> None:
        """Nothing: there is one thread."""

    def join(self, seconds: float) -> bool:
        """Nothing runs between two turns."""
        return True
