"""Everything that consumes in this process: consumers, maintenance, child processes; and their graceful end."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from . import binding, lifetime
from .consuming.consumer import BEAT, Consumer
from .consuming.deadlines import Deadlines
from .consuming.health import Health, health_of
from .consuming.history import HistoryWriter
from .context import current
from .errors import QueueUnknown
from .maintenance import Maintenance
from .native import Condition, RLock, get_ident, off_hub, patched
from .supervisor import Supervisor

if TYPE_CHECKING:
    from .environment import Environment
    from .task import Task

logger: logging.Logger = logging.getLogger("funboost.worker")

DRAIN = 30.0
"""Seconds that running tasks get to end when the worker stops (setting DRAIN_SECONDS)."""


def _made_for(task: Task) -> Consumer:
    """A consumer of the kind that the task's broker needs."""
    if task.spec.owns is None:
        return Consumer(task)
    from .consuming.engine import EngineConsumer

    return EngineConsumer(task)


class Worker:
    """The consumers of this process.

    It keeps the process alive while something consumes, also when the main thread has ended, and drains at SIGTERM,
    at Ctrl-C and at `stop`: nothing more is fetched, what was fetched and not started goes back, what runs gets
    DRAIN_SECONDS to end.
    """

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._consumers: dict[str, Consumer] = {}
        self._lock = RLock()
        self._ended = Condition()
        self._stopper: int | None = None  # the thread that is ending everything; guarded by `_ended`
        self._maintenance: Maintenance | None = None
        self.begun: bool = False
        """Whether anything has ever consumed here; set after `active` has become true."""
        self.supervisor: Supervisor = Supervisor(environment)
        self.deadlines: Deadlines = Deadlines(environment.clock)
        self.history: HistoryWriter = HistoryWriter(environment)

    # -- starting -------------------------------------------------------------------------------------------------

    def consume(self, task: Task) -> Consumer:
        """Consume a task's queue; a second call for the same queue only logs a warning."""
        with self._lock:
            consumer = self._consumers.get(task.queue)
            if consumer is not None:
                logger.warning("Queue %s is being consumed in this process already.", task.queue_name)
                return consumer
            consumer = _made_for(task)
            first = not self._consumers
            self._consumers[task.queue] = consumer
            try:
                if first:
                    self._begin()
                off_hub(consumer.start)
            except Exception:  # after a Ctrl-C in here it may be running: it is drained with the others
                del self._consumers[task.queue]
                consumer.abandon()
                raise
            self.begun = True
            return consumer

    def _begin(self) -> None:
        if patched:
            from .green import share_logging

            share_logging()
        if self._maintenance is None:
            clock, beat = self._environment.clock, float(self._environment.settings("BEAT_SECONDS", BEAT))
            self._maintenance = Maintenance(clock, self.consumers, beat, self.trouble)
        self._maintenance.start()
        lifetime.hold(self)
        self._notify("funboost_worker_started")

    def multi_process_consume(self, task: Task, processes: int) -> None:
        """Consume in that many child processes, which are restarted when they die."""
        task.logger.debug("%s: consumed in %d processes", task.queue_name, processes)
        lifetime.hold(self)
        self.supervisor.start(task, processes)
        self.begun = True

    # -- looking ----------------------------------------------------------------------------------------------------

    def consumers(self) -> list[Consumer]:
        """The consumers that run."""
        return list(self._consumers.values())

    def consumer(self, queue: str) -> Consumer:
        """The consumer of a queue (name with namespace).  Raises `QueueUnknown` where none runs."""
        try:
            return self._consumers[queue]
        except KeyError:
            raise QueueUnknown(queue=queue, known=", ".join(self._consumers) or "none") from None

    def health(self) -> dict[str, Health]:
        """How the consumers of this process fare, by queue name.

        Example::

            deaf = [queue for queue, health in worker.health().items() if not health.ok]
        """
        return {consumer.task.queue_name: health_of(consumer) for consumer in self.consumers()}

    @property
    def active(self) -> bool:
        """Whether anything consumes, here or in a child process."""
        return bool(self._consumers) or self.supervisor.active

    def wait(self, seconds: float | None = None) -> bool:
        """Block until nothing consumes any more, for at most `seconds`; whether that is so.  Greenlets go on."""
        return off_hub(self._wait, seconds)

    def _wait(self, seconds: float | None) -> bool:
        clock = self._environment.clock
        deadline = None if seconds is None else clock.monotonic() + seconds
        while self.active:
            left = None if deadline is None else deadline - clock.monotonic()
            if left is not None and left <= 0:
                return False
            with self._ended:
                if self.active:
                    clock.wait(self._ended, 0.5 if left is None else min(left, 0.5))
        return True

    # -- ending ------------------------------------------------------------------------------------------------------

    def stop(self, drain: float | None = None) -> bool:
        """Drain and end everything within `drain` seconds (DRAIN_SECONDS by default); whether all tasks ended.

        What begins to consume meanwhile is ended too.  Where another thread is ending everything already, it waits for
        that one; a task does not, for it is waited for itself.
        """
        return off_hub(self._stop, drain, current.get(None) is not None)

    def _stop(self, drain: float | None, in_task: bool) -> bool:
        clock = self._environment.clock
        if drain is None:
            drain = float(self._environment.settings("DRAIN_SECONDS", DRAIN))
        deadline = clock.monotonic() + drain
        with self._ended:
            while self._stopper is not None:
                if in_task or self._stopper == get_ident():
                    return True
                left = deadline - clock.monotonic()
                if left <= 0:
                    return False
                clock.wait(self._ended, left)
            self._stopper = get_ident()
        try:
            if self.active:
                self._notify("funboost_worker_stopping")
            ended = self._end(deadline)
            while self.active:
                ended = self._end(deadline) and ended
        finally:
            with self._ended:
                self._stopper = None
                self._ended.notify_all()
        if not ended:
            logger.warning("Tasks were still running after %.0f s; their messages go back to the queue.", drain)
        return ended

    def _end(self, deadline: float) -> bool:
        """End what consumes now, of which there may be nothing."""
        clock = self._environment.clock
        with self._lock:
            consumers = self.consumers()
        self.supervisor.stop()
        for consumer in consumers:
            self._attempt(consumer.stop)
        ended = all(
            [
                self._attempt(lambda c=consumer: c.drain(max(0.0, deadline - clock.monotonic())))
                for consumer in consumers
            ]
        )
        ended = self.supervisor.join(max(0.0, deadline - clock.monotonic())) and ended
        with self._lock:
            maintenance, self._maintenance = self._maintenance, None
        if maintenance is not None:
            maintenance.stop()  # before anything is released: a beat may have acknowledgements in its hands
        self.deadlines.stop()
        for consumer in consumers:
            ended = self._attempt(consumer.release) and ended
        self.history.stop()  # before anybody is told that it is over: the interpreter may end at once
        with self._lock:
            for consumer in consumers:
                del self._consumers[consumer.task.queue]
        return ended

    close = stop

    def hurry(self) -> None:
        """A consumer has become fast."""
        maintenance = self._maintenance
        if maintenance is not None:
            maintenance.hurry()

    def wake_at(self, moment: float) -> None:
        """A consumer wants its `alarm` called at that monotonic time."""
        maintenance = self._maintenance
        if maintenance is not None:
            maintenance.wake_at(moment)

    def trouble(self, error: BaseException) -> None:
        """The machinery met an error: tell the plugins."""
        for hook in binding.bind(self._environment.manager.scoped(()), "funboost_worker_error", "worker", "error"):
            hook(self, error)

    def _attempt(self, action: object) -> bool:
        try:
            return action() is not False  # type: ignore[operator]
        except Exception:
            logger.exception("Ending a consumer failed; the others are ended all the same.")
            return False

    def _notify(self, hook: str) -> None:
        for notify in binding.bind(self._environment.manager.scoped(()), hook, "worker"):
            notify(self)
