"""What a plugin hears of the worker's own life, and of its log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .markers import hookspec

if TYPE_CHECKING:
    from logging import Logger

    from ..task import Task
    from ..worker import Worker


class Working:
    """The worker's own life."""

    @hookspec(firstresult=True)
    def funboost_logging(self, logger: Logger, task: Task) -> bool | None:
        """Decide: hang handlers on a queue's logger, and answer True; the distribution then adds none of its own.

        Called once when the logger is first used, in the process that uses it.  Stops at the first answer.

        Example::

            import logging

            from funboost_core import hookimpl

            lines = []

            class Kept(logging.Handler):
                def emit(self, record):
                    lines.append(record.getMessage())

            @hookimpl
            def funboost_logging(logger, task):
                logger.addHandler(Kept())
                return True
        """

    @hookspec
    def funboost_worker_started(self, worker: Worker) -> None:
        """Notify: called when the first task of this process starts to consume.

        Example::

            from funboost_core import hookimpl

            up = []

            @hookimpl
            def funboost_worker_started(worker):
                up.append(worker)
        """

    @hookspec
    def funboost_worker_stopping(self, worker: Worker) -> None:
        """Notify: called when draining begins.

        Example::

            from funboost_core import hookimpl

            down = []

            @hookimpl
            def funboost_worker_stopping(worker):
                down.append(worker)
        """

    @hookspec
    def funboost_worker_error(self, worker: Worker, error: BaseException) -> None:
        """Notify: called when the worker's own machinery met an error (a broker that is away, a hook that failed).

        Example::

            from funboost_core import hookimpl

            troubles = []

            @hookimpl
            def funboost_worker_error(error):
                troubles.append(error)
        """
