"""Orders to kill a task, queued or running: flags of the queue in the state store, which expire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from ..errors import TaskKilled
from ..outcome import Drop, Skip
from .admission import asking

if TYPE_CHECKING:
    from ..environment import Environment
    from ..outcome import Admission, Verdict
    from ..params import BoosterParams
    from ..ports.broker import Delivery
    from ..task import Task
    from .cancelling import Canceller

KEPT = 7 * 86400.0
"""Seconds for which an order waits for its task."""
DONE = 60.0
"""Seconds for which it is kept when it has been carried out: the message comes again if its consumer dies now."""


def order(environment: Environment, queue: str, task_id: str) -> None:
    """Have a task of `queue` (name with namespace) killed: by consumers of this process now, by others at their next beat."""
    environment.state.coordinator.set_flag(_scope(queue), task_id, "1", KEPT)
    for consumer in environment.worker.consumers():
        if consumer.task.queue == queue:
            obey(consumer.canceller)


def obey(canceller: Canceller) -> None:
    """Kill those runs of a consumer that are to be killed; the state is asked only while some could be."""
    if canceller.killable:
        task = canceller.task
        for task_id in task.environment.state.coordinator.flags(_scope(task.queue)):
            attempt = canceller.killable.get(task_id)
            if attempt is not None:
                canceller.cancel(attempt, TaskKilled())


def steps(
    task: Task, params: BoosterParams
) -> tuple[tuple[Callable[[Delivery], Admission | None], ...], tuple[Callable[[Delivery, Verdict | None], None], ...]]:
    """What is asked before a run and done after it; nothing for tasks that cannot be killed."""
    if not params.is_support_remote_kill_task:
        return (), ()
    state, scope = task.environment.state, _scope(task.queue)

    def admit(delivery: Delivery) -> Admission | None:
        return Skip("it was killed") if str(delivery.task_id) in state.coordinator.flags(scope) else None

    def leave(delivery: Delivery, verdict: Verdict | None) -> None:
        name = str(delivery.task_id)
        if isinstance(verdict, Drop) and name in state.coordinator.flags(scope):
            state.coordinator.set_flag(scope, name, "1", DONE)

    return (asking(admit, "whether it has been killed"),), (leave,)


def _scope(queue: str) -> str:
    return f"{queue}:kill"
