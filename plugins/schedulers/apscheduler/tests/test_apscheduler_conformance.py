"""The suite over both job stores."""

from __future__ import annotations

from funboost_testing.schedulers import SchedulerSuite


class TestMemoryJobs(SchedulerSuite):
    kind = "apscheduler"
    store = "memory"


class TestSqliteJobs(SchedulerSuite):
    kind = "apscheduler"
    store = "sqlite"
    persistent = True
