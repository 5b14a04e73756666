"""What the plugin of an engine implements: a framework that executes tasks by itself, in its own workers."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Protocol

from .broker import Broker

if TYPE_CHECKING:
    from ..native import Event
    from ..outcome import Verdict
    from ..task import Task
    from .broker import Body


class Executed:
    """What became of a message, as far as it concerns the engine.

    Attributes:
        verdict: the core's decision; all of it but `again` has been carried out already.
        result: what the function returned.
        error: what it raised in its last run, or why the message could not run; None otherwise.
        again: the engine is to execute this message again after so many seconds (0 = at once); None: it is done with.
            Set only where the engine owns ``max_retry_times``.
    """

    __slots__ = ("again", "error", "result", "verdict")

    def __init__(self, verdict: Verdict, result: Any, error: BaseException | None, again: float | None) -> None:
        self.verdict: Verdict = verdict
        self.result: Any = result
        self.error: BaseException | None = error
        self.again: float | None = again

    def value(self) -> Any:
        """The result; raises the error instead, for engines that keep a record of failures."""
        if self.error is not None:
            raise self.error
        return self.result


class Execute(Protocol):
    """The core's side of one execution.  Call it on any thread of the process that serves."""

    def __call__(self, body: Body | str, attempts: int = 1) -> Executed:
        """Decode, admit, run and settle one message; the function and its hooks run on the calling thread.

        Args:
            body: what was given to `publish`, unchanged.
            attempts: how often the engine has handed out this message, with this time; where the engine owns
                ``max_retry_times``: which run this is, from 1.

        An exception means that the message could not be settled: an engine with ACK must execute it again later.
        """


class EngineBroker(Broker):
    """A framework with workers of its own.  What it takes over is declared by its record: ``BrokerSpec(owns=…)``.

    The core decides and the engine carries out.  Where it owns ``max_retry_times`` it repeats what has
    `Executed.again`; otherwise its own retries are switched off, and the core runs a failed message again itself.  The
    other parameters that it owns (``concurrent_num``, ``function_timeout``, ``qps`` …) it reads from ``task.params`` in
    `bind` and translates.

    `publish` is also called on objects that are never bound, in other processes.  `Outgoing.attempts` are earlier
    executions that nobody settled: an engine that counts them goes on from there.

    Example: the chapter "Write an engine" (docs/en/write-a-broker.md).
    """

    @abstractmethod
    def bind(self, task: Task, execute: Execute) -> None:
        """Make `execute` what the framework runs for messages of this queue; called once, before `serve`."""

    @abstractmethod
    def serve(self, stop: Event) -> None:
        """Run the framework's workers until `stop` is set; return when what they were running has ended.

        Called on a thread of its own, and again after a pause when it raises, or returns before `stop` is set.
        """
