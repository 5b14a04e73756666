"""Child processes that consume: spawned, restarted when they die, drained when the parent stops or goes away."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from . import bootstrap
from .errors import ConfigError
from .native import RLock, Thread
from .ports.capability import Capability
from .reaping import ended, keep_from_forks
from .recycling import exhausted

if TYPE_CHECKING:
    from .environment import Environment
    from .task import Task

logger: logging.Logger = logging.getLogger("funboost.worker")

BEAT = 1.0
"""Seconds between two looks of a child at whether it is exhausted."""
_SHORT_LIFE = 5.0
_LONGEST_PAUSE = 30.0


class _Child:
    """One child process and the pipe whose end of life it watches."""

    def __init__(self, task: Task, context: Any, environment: Environment) -> None:
        self.task = task
        self._context = context
        self._clock = environment.clock
        self.draining = False
        self.failures = 0
        self.due: float | None = None  # when to start it again
        self.start()

    def start(self) -> None:
        self.due = None
        self.born = self._clock.monotonic()
        reader, self.pipe = self._context.Pipe(duplex=False)
        keep_from_forks(self.pipe)
        assert self.task.function is not None
        name, queue = f"{bootstrap.NAME}{self.task.queue_name}", self.task.queue_name
        if self._context.get_start_method() == "fork":
            self.process = self._context.Process(target=_forked, args=(queue, reader), name=name)
        else:
            module = self.task.function.__module__
            self.process = self._context.Process(target=_spawned, args=(queue, module, reader), name=name)
        try:
            with bootstrap.marked():
                self.process.start()
        finally:
            reader.close()

    def restart(self) -> None:
        """Start again; where no process can be started now, later."""
        try:
            self.start()
        except Exception as error:
            self.failures += 1
            self.due = self._clock.monotonic() + self._pause()
            self.pipe.close()
            logger.warning("No new process for queue %s (%s); trying again.", self.task.queue_name, error)

    def _pause(self) -> float:
        return min(_LONGEST_PAUSE, 0.1 * 2**self.failures) if self.failures else 0.0

    def died(self) -> None:
        """Plan the next start: at once after a long life, after a growing pause otherwise."""
        lived = self._clock.monotonic() - self.born
        well = self.process.exitcode == 0 or lived > _SHORT_LIFE
        self.failures = 0 if well else self.failures + 1
        pause = self._pause()
        self.due = self._clock.monotonic() + pause
        logger.log(
            logging.INFO if self.process.exitcode == 0 else logging.WARNING,
            "Process %s of queue %s ended with exit code %s; a new one starts %s.",
            self.process.pid,
            self.task.queue_name,
            self.process.exitcode,
            f"in {pause:.1f} s" if pause else "now",
        )
        self.pipe.close()

    def drain(self) -> None:
        """Tell the child to drain.  The end of the pipe alone says so too, unless another process has a copy of ours."""
        self.due, self.draining = None, True
        if not self.pipe.closed:
            with suppress(OSError):  # it is gone
                self.pipe.send(None)
            self.pipe.close()


class Supervisor:
    """The child processes of this process."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._children: list[_Child] = []
        self._lock = RLock()
        self._thread: Thread | None = None

    def start(self, task: Task, processes: int) -> None:
        """Start `processes` children that consume `task`.

        Raises:
            CapabilityMissing: the broker keeps its queue within one process.
            ConfigError: the function cannot be found again in another process and this platform cannot fork.
        """
        task.need(Capability.CROSS_PROCESS, "multi_process_consume", "Choose a broker that processes can share.")
        self._environment.state.check_processes()
        context = _context(task)
        with self._lock:
            for _ in range(processes):
                self._children.append(_Child(task, context, self._environment))
            if self._thread is None:
                self._thread = Thread(target=self._watch, name="funboost-supervisor", daemon=True)
                self._thread.start()

    @property
    def active(self) -> bool:
        """Whether there are children to look after; one that has just died counts, for it will be replaced."""
        return any(not child.draining or child.process.is_alive() for child in list(self._children))

    @property
    def pids(self) -> list[int]:
        """The process ids of the living children."""
        return [child.process.pid for child in list(self._children) if child.process.is_alive()]

    def stop(self) -> None:
        """Let all children drain; `join` waits for them."""
        with self._lock:
            for child in self._children:
                child.drain()

    def join(self, seconds: float) -> bool:
        """Wait at most `seconds` until all that drain have ended, then end them; whether none had to be ended."""
        clock, clean = self._environment.clock, True
        deadline = clock.monotonic() + seconds
        with self._lock:
            draining = [child for child in self._children if child.draining]
        for child in draining:
            left = max(0.0, deadline - clock.monotonic()) + 1  # a second more than they give themselves
            if not ended(child.process, left):
                clean = False
                child.process.kill()
                child.process.join(1)
        with self._lock:
            self._children = [child for child in self._children if child not in draining]
        return clean

    def _watch(self) -> None:
        from multiprocessing.connection import wait

        clock = self._environment.clock
        while True:
            with self._lock:
                children = [child for child in self._children if not child.draining]
                if not children:
                    self._thread = None  # under the lock: the next `start` needs another
                    return
                for child in children:
                    if child.due is None and not child.process.is_alive():
                        child.died()
                    if child.due is not None and clock.monotonic() >= child.due:
                        child.restart()
                sentinels = [child.process.sentinel for child in children if child.due is None]
                dues = [child.due for child in children if child.due is not None]
            pause = max(0.0, min(dues) - clock.monotonic()) if dues else 1.0
            wait(sentinels, min(1.0, pause)) if sentinels else clock.sleep(min(1.0, pause))


def _context(task: Task) -> Any:
    import multiprocessing

    function = task.function
    assert function is not None
    if bootstrap.importable(function):
        return multiprocessing.get_context("spawn")
    if "fork" in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("fork")
    raise ConfigError(
        f"{function.__qualname__} of queue {task.queue_name!r} cannot be imported by another process "
        "(it is defined inside a function, in an interactive session or with python -c). "
        "Move it to the top level of a module."
    )


def _spawned(queue_name: str, module: str, pipe: Any) -> None:
    """The main function of a spawned child; its main module has been imported by now."""
    _consume(bootstrap.imported(queue_name, module), pipe)


def _forked(queue_name: str, pipe: Any) -> None:
    """The main function of a forked child."""
    _consume(bootstrap.imported(queue_name, None), pipe)


def _consume(task: Task, pipe: Any) -> None:
    worker = task.environment.worker

    def watch() -> None:
        try:
            pipe.recv()
        except (EOFError, OSError):
            pass
        worker.stop()

    consumer = worker.consume(task)
    Thread(target=watch, name="funboost-parent", daemon=True).start()
    while worker.active:
        try:
            worker.wait(BEAT)
        except (KeyboardInterrupt, SystemExit):  # the signal handler has begun to drain
            continue
        reason = exhausted(consumer)
        if reason and worker.active:
            logger.info("Process %s of queue %s is replaced: %s.", os.getpid(), task.queue_name, reason)
            worker.stop()
