"""Runs of one consumer that may be ended early: `function_timeout` and kills.

First the run is interrupted.  One that does not end within a grace, because it is stuck in a call that cannot be
interrupted, is *abandoned*: judged and settled elsewhere, its slot is free, its late result is discarded.  How many
threads may hang like that is bounded.
"""

from __future__ import annotations

from time import time
from typing import TYPE_CHECKING, Any, Callable

from ..context import current
from ..errors import ProcessDied, RunInterrupted, TaskTimeout
from ..outcome import Outcome
from ..ports.pool import Interrupter, Pool, TaskPool
from ..shielding import shielded
from .attempts import Abandoned, Attempt
from .interrupting import CoroutineInterrupter, ThreadInterrupter, Throw, thrower

if TYPE_CHECKING:
    from ..isolation.processes import Processes
    from ..params import BoosterParams
    from ..ports.broker import Delivery
    from ..task import Task
    from .gate import Gate

GRACE = 0.5
"""Seconds that a run gets to end when it has been interrupted."""
MOST_ABANDONED = 100
"""Most runs of a consumer that hang and are not waited for (setting MOST_ABANDONED)."""


class Canceller:
    """Ends runs.  `take_over` (of the line) concludes a run in the place of its thread; None where nobody can."""

    take_over: Callable[[Delivery, Outcome], None] | None = None
    _throw: Throw | None = None

    def __init__(self, task: Task, pool: Pool, gate: Gate) -> None:
        self.task = task
        self._pool = pool
        self._gate = gate
        self._deadlines = task.environment.worker.deadlines
        self._most = int(task.environment.settings("MOST_ABANDONED", MOST_ABANDONED))
        self._owned = "function_timeout" in (task.spec.owns or ())  # an engine's own
        self._closed = False
        self.abandoned: set[Attempt] = set()
        self.killable: dict[str, Attempt] = {}
        self.processes: Processes | None = None
        if task.params.isolation is not None:
            from ..isolation.processes import Processes

            self.processes = Processes(task, pool)

    def tidy(self) -> None:
        """Called with each beat."""
        if self._gate.full:  # the last one may have ended just while the gate was being closed
            self._fill()
        if self.processes is not None:
            self.processes.tidy()

    def close(self) -> None:
        """End the processes in which functions run, if there are some."""
        self._closed = True
        if self.processes is not None:
            self.processes.close()

    # -- around a function -------------------------------------------------------------------------------------------

    def wrap(self, function: Callable[..., Any], params: BoosterParams) -> Callable[..., Any]:
        """`function` so that its runs can be ended as `params` say; itself where they say nothing."""
        if self.processes is not None:
            return self._isolated(self.processes.wrap(self.call, params))
        if not (self._seconds(params) or params.is_support_remote_kill_task):
            return function
        return (self._guard_async if self.task.is_async else self._guard)(function, params)

    def _seconds(self, params: BoosterParams) -> float | None:
        return None if self._owned else params.function_timeout

    def _isolated(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def isolated(**arguments: Any) -> Any:
            try:
                return function(**arguments)
            except ProcessDied:
                if self._closed and self.take_over is not None:  # by us: the message runs elsewhere, this was no run
                    raise Abandoned from None
                raise

        return isolated

    def _guard(self, function: Callable[..., Any], params: BoosterParams) -> Callable[..., Any]:
        self._throw = thrower()

        def guarded(**arguments: Any) -> Any:
            return self.call(function, arguments, self._interrupter(), params)

        return guarded

    def _guard_async(self, function: Callable[..., Any], params: BoosterParams) -> Callable[..., Any]:
        async def guarded(**arguments: Any) -> Any:
            attempt = Attempt(current.get(), CoroutineInterrupter())
            result = failure = None
            try:
                self._watch(attempt, params)
                result = await function(**arguments)
            except BaseException as caught:
                failure = caught
            self._close(attempt, attempt.end(), failure)
            return result

        return guarded

    def call(
        self, function: Callable[..., Any], arguments: dict[str, Any], interrupter: Interrupter, params: BoosterParams
    ) -> Any:
        """``function(**arguments)``, which `interrupter` reaches."""
        attempt = Attempt(current.get(), interrupter)
        result = failure = None
        try:
            try:
                interrupter.enter()
                shielded(self._watch, attempt, params)  # it may be over at once, and the deadlines have a lock
                result = function(**arguments)
            except BaseException as caught:
                failure = caught
            error = attempt.end()
        except RunInterrupted:  # it came just between two lines here; it comes once
            error = attempt.end()
        self._close(attempt, error, failure)
        return result

    def _interrupter(self) -> Interrupter:
        if isinstance(self._pool, TaskPool):
            interrupter = self._pool.interrupter()
            if interrupter is not None:
                return interrupter
            if not self._pool.on_threads:
                return Interrupter()
        return Interrupter() if self._throw is None else ThreadInterrupter(self._throw)

    def _watch(self, attempt: Attempt, params: BoosterParams) -> None:
        seconds = self._seconds(params)
        if params.is_support_remote_kill_task:
            self.killable[str(attempt.delivery.task_id)] = attempt
        if seconds:
            self._deadlines.set(attempt, seconds, lambda: self.cancel(attempt, TaskTimeout(seconds=seconds)))

    def _close(self, attempt: Attempt, error: BaseException | None, failure: BaseException | None) -> None:
        """The function has ended: raise what became of the run, if it is not its result."""
        self._deadlines.drop(attempt)
        self._forget(attempt)
        attempt.interrupter.leave()
        try:
            if not attempt.conclude(attempt):
                self._ended(attempt)
                raise Abandoned
            if error is not None:
                raise error.with_traceback(failure.__traceback__ if failure is not None else None) from None
            if failure is not None:
                raise failure
        finally:
            del error, failure  # they know this frame, which knows them

    # -- ending one ---------------------------------------------------------------------------------------------------

    def cancel(self, attempt: Attempt, error: BaseException) -> None:
        """Interrupt a run now; abandon it when that does not help.  Once: orders to kill are repeated at each beat."""
        if not attempt.cancel(error):
            return
        attempt.interrupt(error)
        if self.take_over is not None:
            self._deadlines.set(attempt, GRACE, lambda: self._abandon(attempt, error))

    def _abandon(self, attempt: Attempt, error: BaseException) -> None:
        if len(self.abandoned) >= self._most:  # it keeps its slot: threads are not let grow without end
            self._fill()
            self._deadlines.set(attempt, GRACE, lambda: self._abandon(attempt, error))
            return
        self.abandoned.add(attempt)  # first: it may end in between
        if not attempt.conclude(self):
            self.abandoned.discard(attempt)
            return
        self._forget(attempt)
        self._fill()
        assert self.take_over is not None
        self.take_over(attempt.delivery, Outcome(None, error, attempt.started, time(), attempt.delivery.runs + 1))

    def _forget(self, attempt: Attempt) -> None:
        name = str(attempt.delivery.task_id)
        if self.killable and self.killable.get(name) is attempt:  # another run of the message may have its place
            self.killable.pop(name, None)

    def _ended(self, attempt: Attempt) -> None:
        """An abandoned run has ended after all."""
        self.abandoned.discard(attempt)
        if self._gate.full:
            self._fill()

    def _fill(self) -> None:
        full = len(self.abandoned) >= self._most
        if full and not self._gate.full:
            self.task.logger.warning(
                "%s: %d runs hang in calls that cannot be interrupted; nothing more is fetched until some have ended. "
                "Give these calls a time-out of their own, or set isolation='process', which kills them. "
                "(The limit is the setting MOST_ABANDONED.)",
                self.task.queue_name,
                len(self.abandoned),
            )
        self._gate.fill(full)
