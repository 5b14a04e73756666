"""Killing a task from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from funboost_core.consuming import kills
from funboost_core.environment import default
from funboost_core.errors import ConfigError

from ..aliases import EXCEPTIONS, KillerSpellings
from ..lazy import exporter

if TYPE_CHECKING:
    from ..aliases import TaskHasKilledError

__all__ = ["RemoteTaskKiller", "TaskHasKilledError"]


class RemoteTaskKiller(KillerSpellings):
    """Kills one task, wherever it is: queued ones are skipped when they are taken, running ones end within a beat.

    The task needs ``is_support_remote_kill_task=True`` and both programs the same state store (STATE_URL).

    Args:
        queue_name: of the task.
        task_id: what `push` returned has it.

    Raises:
        ConfigError: the task is known here and does not allow it.
        StateMissing: there is no state store.

    Example::

        result = crunch.push(7)
        RemoteTaskKiller(crunch.queue_name, result.task_id).send_kill_remote_task_command()
    """

    def __init__(self, queue_name: str, task_id: str) -> None:
        self.queue_name = queue_name
        self.task_id = task_id
        registry = default().registry
        if queue_name in registry and not registry[queue_name].task.params.is_support_remote_kill_task:
            raise ConfigError(
                f"Tasks of queue {queue_name!r} cannot be killed. Set is_support_remote_kill_task=True in its "
                "BoosterParams and restart what consumes it."
            )

    def send_kill_remote_task_command(self) -> None:
        """Order it; returns at once.  The order waits for its task for seven days."""
        environment = default()
        kills.order(environment, environment.namespaced(self.queue_name), str(self.task_id))


__getattr__: Callable[[str], Any] = exporter(__name__, EXCEPTIONS)
