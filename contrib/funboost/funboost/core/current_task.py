"""The task that is running here."""

from __future__ import annotations

import threading

from funboost_core.context import CurrentTask, fct, get_current_taskid

__all__ = ["FctContextThread", "fct", "funboost_current_task", "get_current_taskid"]


def funboost_current_task() -> CurrentTask:
    """The same as `fct`.

    Example::

        fct = funboost_current_task()
        print(fct.task_id)
    """
    return fct


class FctContextThread(threading.Thread):
    """A thread that belongs to the task that starts it: `fct` is the same in it.

    Example::

        thread = FctContextThread(target=download, args=(url,))
        thread.start()
    """

    def start(self) -> None:
        """Start it, with the context of here."""
        setattr(self, "run", fct.bind(self.run))  # noqa: B010  a plain assignment would change the type of the method
        super().start()
