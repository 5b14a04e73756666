"""Declares what hangs handlers on loggers; imports nothing but the core."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funboost_core import hookimpl
from funboost_core.records import resolve

if TYPE_CHECKING:
    from funboost_core.task import Task


@hookimpl
def funboost_logging(logger: Any, task: Task) -> bool:
    """The console, files and services of nb_log."""
    resolve("funboost_hook_nb_log.hanging:hang")(logger, task)
    return True
