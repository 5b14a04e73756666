"""What a concurrency plugin implements: where the user's function is called, and how many calls at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Callable, ClassVar

if TYPE_CHECKING:
    from ..outcome import Outcome
    from .broker import Delivery

Adapted = Callable[..., Any]
Runner = Callable[["Delivery"], Any]
Finished = Callable[["Delivery", "Outcome"], None]


class PoolContext:
    """What a pool is built from: `limit` = most calls at once (>= 1), `name` for its threads, `loop` = the user's
    `specify_async_loop` or None, `start_loop` = False when the user runs that loop himself."""

    def __init__(self, limit: int, name: str, loop: Any = None, start_loop: bool = True) -> None:
        self.limit = limit
        self.name = name
        self.loop = loop
        self.start_loop = start_loop


class Interrupter:
    """Reaches one run from other threads.  This one reaches none: it only lets the run know when it ends by itself."""

    def enter(self) -> None:
        """In the run, before anything can be thrown."""

    def throw(self, claim: Callable[[], bool]) -> None:
        """Where and when it is safe, and if ``claim()`` grants it, throw `RunInterrupted` into the run; never block."""
        claim()

    def absorb(self) -> None:
        """In the run, when `claim` has been granted: return once nothing will be thrown any more."""

    def leave(self) -> None:
        """In the run, when nothing will be thrown any more."""


class Pool(ABC):
    """Shared by both shapes.  `limit` is a hard limit of simultaneous calls and may be changed while running."""

    def __init__(self, context: PoolContext) -> None:
        self.context = context
        self.limit: int = context.limit

    @classmethod
    def check(cls, function: Callable[..., Any]) -> None:
        """Raise `ConfigError` where this mode cannot run `function` or this process is not prepared for the mode.

        Called when a task starts to consume, before anything is fetched.
        """

    def resize(self, limit: int) -> None:
        """Allow `limit` calls at once from now on; what runs already goes on."""
        self.limit = limit

    @abstractmethod
    def close(self) -> None:
        """Release threads and loops; called after the last call has ended or was given up."""


class ThreadPool(Pool):
    """The function is called on the pool's own threads, which also do the framework's work around it.

    The core sends a *crew* of at most `limit` workers; each runs a loop until there is nothing to do for a while.
    """

    def adapt(self, function: Callable[..., Any]) -> Adapted:
        """A blocking callable for `function` (which may be ``async def``); called once per task."""
        return function

    @abstractmethod
    def start(self, work: Callable[[], None]) -> None:
        """Run `work` on a real thread of its own (use `funboost_core.native`), now."""


class TaskPool(Pool):
    """Only the function is called here (on a loop or a hub); the core does its own work on real threads.

    The core never submits more than `limit` calls at once.
    """

    asynchronous: ClassVar[bool] = False
    """Whether `run` is a coroutine function (an event loop) or a plain one (greenlets)."""
    on_threads: ClassVar[bool] = False
    """Whether each run has a thread of its own, in which an exception can be raised."""

    @abstractmethod
    def submit(self, deliveries: Sequence[Delivery], run: Runner, finished: Finished) -> None:
        """Start ``run(delivery)`` for each and hand what it returns to ``finished(delivery, outcome)``.

        Called from a real thread.  `run` never raises; `finished` does not block and may be called from anywhere.
        """

    def interrupter(self) -> Interrupter | None:
        """Called in a run: what reaches it when it is to end; None where the pool has no means of its own.

        Coroutines are cancelled, and threads (`on_threads`) reached, without the pool.
        """
        return None
