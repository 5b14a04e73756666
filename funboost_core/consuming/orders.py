"""What can be changed while consumers run, on all hosts: pause, rate, concurrency.  Flags of the queue in the state.

The rate of a group is a flag of the group.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..policies.shared_rate import scope_of

if TYPE_CHECKING:
    from ..task import Task
    from .consumer import Consumer

PAUSED = "paused"
QPS = "qps"
CONCURRENCY = "concurrent_num"


def give(task: Task, name: str, value: str | None) -> None:
    """Tell all consumers whom it concerns: those of this process now, the others with their next beat."""
    environment, scope = task.environment, _scope(task, name)
    if environment.state.has("coordinator"):
        environment.state.coordinator.set_flag(scope, name, value)
    for consumer in environment.worker.consumers():
        if _scope(consumer.task, name) == scope:
            with consumer.ordering:
                _obey(consumer, {**consumer.orders, name: value or ""})


def look(consumer: Consumer) -> None:
    """Have a consumer obey the flags that are in force."""
    with consumer.ordering:  # from before the look: what is given meanwhile is obeyed after it
        _obey(consumer, in_force(consumer.task))


def in_force(task: Task) -> dict[str, str]:
    """The flags of the task's queue, and of its group, in the state."""
    coordinator, scope = task.environment.state.coordinator, _scope(task, QPS)
    flags = coordinator.flags(task.queue)
    if scope != task.queue:
        flags[QPS] = coordinator.flags(scope).get(QPS, "")
    return flags


def _scope(task: Task, name: str) -> str:
    return scope_of(task) if name == QPS else task.queue


def _obey(consumer: Consumer, flags: Mapping[str, str]) -> None:
    """Apply what differs from what was applied before; a flag that is gone restores the task's own parameter."""
    params, before = consumer.task.params, consumer.orders
    consumer.orders = dict(flags)
    consumer.pause(flags.get(PAUSED) == "1")
    if flags.get(QPS) != before.get(QPS):
        qps = flags.get(QPS)
        consumer.gate.change_rate(float(qps) or None if qps else params.qps)
    if flags.get(CONCURRENCY) != before.get(CONCURRENCY):
        consumer.line.resize(int(flags.get(CONCURRENCY) or params.concurrent_num))
