"""The broker: one queue of Huey's, worked off by Huey's own threads."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from huey.consumer import Consumer

from funboost_core.errors import ConfigError
from funboost_core.native import Lock
from funboost_core.outcome import DeadLetter, Drop
from funboost_core.ports.engine import EngineBroker

from .storage import explained, make

if TYPE_CHECKING:
    from funboost_core.native import Event
    from funboost_core.ports.broker import Outgoing
    from funboost_core.ports.engine import Execute
    from funboost_core.task import Task

    from .options import Options

FIRST = 0.05
"""Seconds between the first looks of a worker that has become idle."""
HEALTH = 1.0
"""Seconds between two looks at whether all workers live."""


class Queue:
    """A queue's Huey object, and its one task."""

    def __init__(self, huey: Any, name: str, options: dict[str, Any]) -> None:
        self.huey = huey
        self.name = name
        self.execute: Execute | None = None
        self.task = huey.task(name=name, **options)(self._run)

    def _run(self, body: bytes) -> Any:
        if self.execute is None:
            raise ConfigError(f"The queue {self.name!r} is not consumed in this process, but Huey runs its tasks here.")
        done = self.execute(body)
        if done.error is not None and isinstance(done.verdict, (Drop, DeadLetter)):
            raise done.error  # for good: what runs again is no failure yet
        return done.result


_given: weakref.WeakKeyDictionary[Any, Queue] = weakref.WeakKeyDictionary()  # Huey objects of users
_lock = Lock()


class HueyBroker(EngineBroker):
    """A queue in a Huey object."""

    def open(self) -> None:
        """Make a Huey object, and its file, unless one is given.

        Raises:
            ConfigError: the Huey object belongs to another queue, or the Redis server cannot be used.
        """
        options: Options = self.context.options
        name, extra = self.context.queue, options.huey_task_kwargs
        if options.huey is not None:
            with _lock:  # a Huey object takes a name once
                if options.huey not in _given:
                    _given[options.huey] = Queue(options.huey, name, extra)
                self._queue = _given[options.huey]
            if self._queue.name != name:
                raise ConfigError(
                    f"The Huey object of queue {name!r} is that of queue {self._queue.name!r} already. Give each queue one."
                )
            return
        self._queue = Queue(make(self.context), name, extra)

    def close(self) -> None:
        """Close what is our own: this thread's connection to the file, or those to Redis."""
        if self.context.options.huey is None:
            storage = self._queue.huey.storage
            storage.close()
            if hasattr(storage, "pool"):
                storage.pool.disconnect()

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """Publish one after the other; those with a due time go to Huey's schedule."""
        with explained(self.context):
            self._publish(messages)

    def _publish(self, messages: Sequence[Outgoing]) -> None:
        task, now = self._queue.task, self.context.clock.time()
        for message in messages:
            priority = message.priority or None
            if message.due is not None and message.due > now:
                task.schedule(args=(message.body,), delay=message.due - now, priority=priority)
            else:
                job = task.s(message.body)
                job.priority = priority
                self._queue.huey.enqueue(job)

    def count(self) -> int:
        """Messages that wait, also those not yet due."""
        huey = self._queue.huey
        with explained(self.context):
            return int(huey.pending_count() + huey.scheduled_count())

    def purge(self) -> None:
        """Remove the messages that wait."""
        with explained(self.context):
            self._queue.huey.flush()

    def bind(self, task: Task, execute: Execute) -> None:
        """Let Huey's task call `execute`."""
        self._workers = task.params.concurrent_num
        self._queue.execute = execute

    def serve(self, stop: Event) -> None:
        """Run Huey's consumer until `stop` is set."""
        most = self.context.options.max_delay
        consumer = _Consumer(
            self._queue.huey,
            workers=self._workers,
            periodic=False,
            initial_delay=min(FIRST, most),
            max_delay=most,
        )
        try:
            consumer.start()
            while not stop.wait(HEALTH):
                consumer.check_worker_health()
        finally:
            consumer.stop(graceful=True)


class _Consumer(Consumer):  # type: ignore[misc]
    """Huey's consumer as a part of a program, whose signals are not its business."""

    def _set_signal_handlers(self) -> None:
        pass
