"""Tasks that wait for tasks of their own queue: when all slots of a consumer do, they may wait for each other for ever."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .context import current
from .errors import QueueUnknown
from .native import Lock

if TYPE_CHECKING:
    from .environment import Environment
    from .task import Task


class SelfWaits:
    """How many runs of each queue wait for results of that queue, in this process."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._lock = Lock()
        self._waiting: Counter[str] = Counter()
        self._warned: set[str] = set()

    def begin(self, task_ids: Iterable[Any]) -> str | None:
        """The code here is going to wait; what `end` must be given, None where it need not be called."""
        delivery = current.get(None)
        if delivery is None:
            return None
        task: Task = delivery.plan.task
        own = f"{task.queue_name}_result:"
        if task.environment is not self._environment or not any(str(task_id).startswith(own) for task_id in task_ids):
            return None
        with self._lock:
            self._waiting[task.queue] += 1
            if task.queue not in self._warned and self._waiting[task.queue] >= self._slots(task):
                self._warned.add(task.queue)
                task.logger.warning(
                    "%s: every slot of this consumer (%d) is taken by a run that waits for a result of the same queue. "
                    "Where no other consumer works it off, they wait for each other until their time-outs. Give the "
                    "tasks that are waited for a queue of their own, or raise concurrent_num.",
                    task.queue_name,
                    self._waiting[task.queue],
                )
        return task.queue

    def end(self, queue: str | None) -> None:
        """The waiting is over."""
        if queue is not None:
            with self._lock:
                self._waiting[queue] -= 1

    def _slots(self, task: Task) -> float:
        try:
            return self._environment.worker.consumer(task.queue).limit
        except QueueUnknown:  # the run is not a consumer's of ours
            return float("inf")
