"""What can be changed while consumers run, on all hosts: pause, rate, concurrency.  Flags of the queue in the state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..task import Task
    from .consumer import Consumer

PAUSED = "paused"
QPS = "qps"
CONCURRENCY = "concurrent_num"


def give(task: Task, name: str, value: str | None) -> None:
    """Tell all consumers of the task's queue: those of this process now, the others with their next beat."""
    environment, queue = task.environment, task.queue
    if environment.state.has("coordinator"):
        environment.state.coordinator.set_flag(queue, name, value)
    for consumer in environment.worker.consumers():
        if consumer.task.queue == queue:
            obey(consumer, {**consumer.orders, name: value or ""})


def obey(consumer: Consumer, flags: Mapping[str, str]) -> None:
    """Apply what differs from what was applied before; a flag that is gone restores the task's own parameter."""
    params, before = consumer.task.params, consumer.orders
    consumer.orders = dict(flags)
    consumer.pause(flags.get(PAUSED) == "1")
    if flags.get(QPS) != before.get(QPS):
        qps = flags.get(QPS)
        consumer.gate.change_rate(float(qps) or None if qps else params.qps)
    if flags.get(CONCURRENCY) != before.get(CONCURRENCY):
        consumer.line.resize(int(flags.get(CONCURRENCY) or params.concurrent_num))
