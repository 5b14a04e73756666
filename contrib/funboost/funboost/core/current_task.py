"""The task that is running here."""

from __future__ import annotations

from funboost_core.context import CurrentTask, fct, get_current_taskid

__all__ = ["fct", "funboost_current_task", "get_current_taskid"]


def funboost_current_task() -> CurrentTask:
    """The same as `fct`.

    Example::

        fct = funboost_current_task()
        print(fct.task_id)
    """
    return fct
