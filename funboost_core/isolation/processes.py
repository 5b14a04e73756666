"""The processes of one consumer: started when needed, used again, killed when a run is to end, replaced."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Callable

from .. import bootstrap
from ..context import current
from ..errors import ConfigError, ProcessDied
from ..native import Lock
from ..ports.pool import Interrupter, Pool, TaskPool, ThreadPool
from ..reaping import ended, keep_from_forks
from .child import FAILED, serve
from .limits import ending

if TYPE_CHECKING:
    from ..clock import Clock
    from ..params import BoosterParams
    from ..task import Task

IDLE = 60.0
"""Seconds after which a process that had nothing to do ends."""
_LOOK = 5.0
"""Seconds between two looks at whether a process lives whose pipe somebody else holds open."""


class Child(Interrupter):
    """One process.  It is used by one run at a time; `throw` may be called from elsewhere meanwhile."""

    def __init__(self, task: Task, context: Any) -> None:
        assert task.function is not None
        self._params = task.params
        self.since: float = 0.0  # when it became idle
        self._over = False  # it has ended, or was told to
        self._pipe, theirs = context.Pipe()
        keep_from_forks(self._pipe)
        arguments = (theirs, task.queue_name, task.function.__module__)
        self._process = context.Process(target=serve, args=arguments, name=f"{bootstrap.NAME}{task.queue_name}-run")
        try:
            with bootstrap.marked():
                self._process.start()
        except BaseException:
            self._pipe.close()
            raise
        finally:
            theirs.close()

    def begin(self) -> None:
        """Wait until it is ready.

        Raises:
            ProcessDied: it never will be.
        """
        try:
            self._answer()
        except BaseException:
            self._over = True
            raise

    @property
    def alive(self) -> bool:
        """Whether it can be given another call.  An idle one says nothing: if something comes from it, that is its end."""
        return not self._over and self._silent(0) and self._process.is_alive()

    def run(self, /, **arguments: Any) -> Any:
        """Have the function called there; its result, or its exception.

        Raises:
            ProcessDied: the process ended.
        """
        delivery = current.get()
        call = (delivery.extra, delivery.arguments, arguments, delivery.runs)
        try:
            self._pipe.send(call)
        except OSError:
            raise self._died() from None
        return self._answer()

    def throw(self, claim: Callable[[], bool]) -> None:
        """Kill it."""
        if claim():
            self._process.kill()

    def absorb(self) -> None:
        """It is killed, now or in a moment, even if the run ended by itself before that."""
        self._over = True

    def kill(self) -> None:
        """Kill it and wait for it; a run that has it sees that it died."""
        self._process.kill()
        ended(self._process, 5)

    def end(self) -> None:
        """The same by who has it alone: a pipe must not be closed while another thread reads from it."""
        self.kill()
        self._pipe.close()

    def _silent(self, seconds: float) -> bool:
        from multiprocessing.connection import wait

        return not wait([self._pipe, self._process.sentinel], seconds)

    def _answer(self) -> Any:
        try:
            while self._silent(_LOOK) and self._process.is_alive():
                pass
            if not self._pipe.poll():
                raise EOFError
            kind, value, trace = self._pipe.recv()
        except (EOFError, OSError):
            raise self._died() from None
        if kind == FAILED:
            raise value from _Remote(trace)
        return value

    def _died(self) -> ProcessDied:
        self._over = True
        ended(self._process, 1)
        params = self._params
        code = self._process.exitcode
        return ProcessDied(how=ending(code, params.isolation_memory_mb, params.isolation_cpu_seconds))


class _Remote(Exception):
    """The traceback of the other process, as text, for logs."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


class Processes:
    """As many as runs need at once; those that are idle wait for the next, the last one used first.

    Raises:
        ConfigError: the function cannot be imported by another process, or the pool has no thread for each run.
    """

    def __init__(self, task: Task, pool: Pool) -> None:
        import multiprocessing

        _check(task, pool)
        self._task = task
        self._clock: Clock = task.environment.clock
        self._context = multiprocessing.get_context("spawn")
        self._idle: deque[Child] = deque()
        self._busy: set[Child] = set()
        self._closed = False
        self._lock = Lock()  # between runs that take a process and who ends some or all

    def take(self) -> Child:
        """A process that is free, else a new one."""
        while True:
            with self._lock:
                idle = self._idle.pop() if self._idle else None
            child = idle or Child(self._task, self._context)
            with self._lock:
                usable = not self._closed and (child is not idle or child.alive)
                if usable:
                    self._busy.add(child)  # from here on `close` ends it, also while it starts
            if not usable:
                child.end()
                if self._closed:
                    raise ProcessDied(how="the consumer stopped")
                continue
            if child is not idle:
                try:
                    child.begin()
                except BaseException as error:
                    self.give_back(child, error)
                    raise
            return child

    def give_back(self, child: Child, error: BaseException | None) -> None:
        """A run has ended.  What ran out of memory is in no state for another."""
        with self._lock:
            self._busy.discard(child)
            keep = not self._closed and child.alive and not isinstance(error, MemoryError)
            if keep:
                child.since = self._clock.monotonic()
                self._idle.append(child)
        if not keep:
            child.end()

    def wrap(self, call: Callable[..., Any], params: BoosterParams) -> Callable[..., Any]:
        """A function whose runs happen in the processes; `call(function, arguments, interrupter, params)` watches each."""

        def isolated(**arguments: Any) -> Any:
            child = self.take()
            failure: BaseException | None = None
            try:
                return call(child.run, arguments, child, params)
            except BaseException as error:
                failure = error
                raise
            finally:
                self.give_back(child, failure)
                failure = None

        return isolated

    def tidy(self) -> None:
        """End what has been idle for long; called with each beat."""
        limit, old = self._clock.monotonic() - IDLE, []
        with self._lock:
            while self._idle and self._idle[0].since < limit:
                old.append(self._idle.popleft())
        for child in old:
            child.end()

    def close(self) -> None:
        """Kill all; messages whose runs were still going on are not acknowledged and come back."""
        with self._lock:
            self._closed = True
            idle, busy = [*self._idle], [*self._busy]
            self._idle.clear()
        for child in idle:
            child.end()
        for child in busy:  # their runs end them
            child.kill()


def _check(task: Task, pool: Pool) -> None:
    function = task.function
    assert function is not None
    if not isinstance(pool, ThreadPool) and not (isinstance(pool, TaskPool) and pool.on_threads):
        raise ConfigError(
            f"Queue {task.queue_name!r}: isolation='process' needs a concurrency mode with threads, which wait for the "
            f"processes; {task.pool_spec.kind!r} has none. Set concurrent_mode to one that has."
        )
    if not bootstrap.importable(function):
        raise ConfigError(
            f"{function.__qualname__} of queue {task.queue_name!r} cannot be imported by another process, as "
            "isolation='process' needs (it is defined inside a function, in an interactive session or with python -c). "
            "Move it to the top level of a module."
        )
