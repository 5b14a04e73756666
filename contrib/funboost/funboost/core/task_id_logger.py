"""Documented import path of the logger class that knows the running task."""

from __future__ import annotations

from funboost_core.logs import TaskIdFilter, TaskIdFormatter, TaskIdLogger

__all__ = ["TaskIdFilter", "TaskIdFormatter", "TaskIdLogger"]
