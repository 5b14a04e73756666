"""The scheduler of a queue under its documented name and place; its jobs need not be in Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from ..lazy import exporter

if TYPE_CHECKING:
    from apscheduler.schedulers.background import (
        BackgroundScheduler as FunboostBackgroundSchedulerProcessJobsWithinRedisLock,
    )

__all__ = ["FunboostBackgroundSchedulerProcessJobsWithinRedisLock"]
__getattr__: Callable[[str], Any] = exporter(
    __name__,
    {"FunboostBackgroundSchedulerProcessJobsWithinRedisLock": "funboost_scheduler_apscheduler.pushing:PushScheduler"},
)
