"""Who consumes what, in all processes that share the state: their latest beats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .environment import Environment
    from .task import Task

KEPT = 24 * 3600.0
"""Seconds for which a queue is remembered after its last beat."""


def _scope(environment: Environment) -> str:
    return environment.namespaced(":queues")


def enter(task: Task) -> None:
    """Remember that the task's queue has a consumer."""
    task.environment.state.coordinator.set_flag(_scope(task.environment), task.queue_name, "1", KEPT)


def queues(environment: Environment) -> list[str]:
    """The queues that have had a consumer within a day, by name."""
    return sorted(environment.state.coordinator.flags(_scope(environment)))


def consumers(environment: Environment, queue: str) -> list[dict[str, Any]]:
    """What the living consumers of a queue say about themselves, each with its id as ``consumer``.

    Example::

        for consumer in consumers(default(), "thumbnails"):
            print(consumer["host"], consumer["process_id"], consumer["lately"]["finished"])
    """
    members = environment.state.coordinator.members(environment.namespaced(queue))
    return [{"consumer": member, **info} for member, info in members.items()]
