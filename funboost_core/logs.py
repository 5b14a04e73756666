"""The id of the running task in every line of the log, as ``%(task_id)s``.

Three ways: a logger class (``logging.setLoggerClass(TaskIdLogger)`` for all loggers made afterwards), a filter for a
handler, which serves every logger, and a formatter.  Where no task runs the id is ``no_task_id``.
"""

from __future__ import annotations

import logging
from typing import Any

from .context import get_current_taskid


def _mark(record: logging.LogRecord) -> None:
    if not hasattr(record, "task_id"):
        record.task_id = get_current_taskid()


class TaskIdFilter(logging.Filter):
    """Lets everything through, with a `task_id`.

    Example::

        handler = logging.StreamHandler()
        handler.addFilter(TaskIdFilter())
        handler.setFormatter(logging.Formatter("%(task_id)s %(message)s"))
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Always True."""
        _mark(record)
        return True


class TaskIdLogger(logging.Logger):
    """A logger whose records have a `task_id`; one that is given as ``extra={"task_id": ...}`` is kept."""

    def makeRecord(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        """As `logging.Logger.makeRecord`."""
        record = super().makeRecord(*args, **kwargs)
        _mark(record)
        return record


class TaskIdFormatter(logging.Formatter):
    """A formatter that knows ``%(task_id)s`` whatever logger a record comes from; on the thread that logs."""

    def format(self, record: logging.LogRecord) -> str:
        """As `logging.Formatter.format`."""
        _mark(record)
        return super().format(record)
