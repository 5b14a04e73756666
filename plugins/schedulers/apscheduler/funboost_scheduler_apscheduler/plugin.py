"""Declares the scheduler ``apscheduler``."""

from __future__ import annotations

from funboost_core import SchedulerSpec, hookimpl


@hookimpl
def funboost_schedulers() -> list[SchedulerSpec]:
    """The scheduler kind of this distribution."""
    return [
        SchedulerSpec(
            kind="apscheduler",
            factory="funboost_scheduler_apscheduler.scheduler:ApsScheduler",
            summary="The triggers and the interface of APScheduler 3; jobs in memory, in an SQLite file or in Redis",
        )
    ]
