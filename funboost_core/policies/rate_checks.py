"""What shared rates and the limits of a key need, refused where the task is declared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ConfigError, StateMissing
from ..ports.capability import Capability
from .keys import key_of

if TYPE_CHECKING:
    from ..task import Task

_PART = {
    "is_using_distributed_frequency_control": "coordinator",
    "rate_group": "coordinator",
    "key_qps": "coordinator",
    "key_concurrent_num": "filter",
}
"""The part of the state by which consumers agree."""
_KEYED = ("key_qps", "key_concurrent_num")


def refuse(task: Task) -> None:
    """Raise where they could not act.

    Raises:
        StateMissing: consumers have no place to agree in.
        CapabilityMissing: messages have no place to wait in, or every consumer gets every message.
        ConfigError: one is of no use without another, or contradicts the group's other tasks.
    """
    params = task.params
    keyed = [name for name in _KEYED if getattr(params, name)]
    if keyed and not params.rate_key:
        raise ConfigError(
            f"{keyed[0]} of queue {task.queue_name!r} counts by rate_key, and rate_key is missing. Name the argument to "
            'count by, for example rate_key="customer".'
        )
    if params.rate_key and not keyed:
        raise ConfigError(
            f"rate_key of queue {task.queue_name!r} limits nothing by itself. Set key_qps or key_concurrent_num, or leave "
            "it out."
        )
    for name, part in _PART.items():
        if getattr(params, name) and not task.environment.state.has(part):
            raise StateMissing(feature=f"{name} of queue {task.queue_name!r}", setting="STATE_URL")
    if keyed:
        key_of(params.rate_key, task, "rate_key")
        if not task.environment.state.has("parking"):
            task.need(Capability.DELAY, keyed[0], "Set STATE_URL, so that messages can wait there.")
    if params.key_concurrent_num and Capability.BROADCAST in task.capabilities:
        raise ConfigError(
            f"The broker {task.spec.kind} gives every message of queue {task.queue_name!r} to every consumer, and "
            "key_concurrent_num counts a message once. Use concurrent_num, which limits each consumer."
        )
    if params.rate_group is not None:
        _refuse_group(task, keyed)


def _refuse_group(task: Task, keyed: list[str]) -> None:
    params, registry = task.params, task.environment.registry
    if params.qps is None and not keyed:
        raise ConfigError(
            f"rate_group={params.rate_group!r} of queue {task.queue_name!r} limits nothing by itself. Set the group's qps."
        )
    for queue in registry:
        other = registry[queue].task.params
        if queue == task.queue_name or other.rate_group != params.rate_group:
            continue
        for name in ("qps", *_KEYED):
            if getattr(other, name) != getattr(params, name):
                raise ConfigError(
                    f"Queues {queue!r} and {task.queue_name!r} are of rate_group={params.rate_group!r} and have "
                    f"{name}={getattr(other, name)!r} and {name}={getattr(params, name)!r}. A group has one: give both the same."
                )
