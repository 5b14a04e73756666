"""Many schedules in the SQLite file: adding them, listing them, and all of them due at once."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import Any

import common
from common import Figure

from funboost_core import Booster


def add(n: int, ours: Booster[Any, Any, Any]) -> Figure:
    """One `add_push_job` a schedule."""
    return _timed(n, lambda: _fill(ours, n))


def listing(n: int, ours: Booster[Any, Any, Any]) -> Figure:
    """`get_jobs`, all of them, as APScheduler's jobs."""
    aps = _fill(ours, n)
    return _timed(n, lambda: aps.get_jobs())


def fire(n: int, ours: Booster[Any, Any, Any]) -> Figure:
    """All are due when the scheduler starts, each for one message."""
    aps = _fill(ours, n)
    ours.push(0, y=2)  # connects

    def run() -> None:
        aps.start()
        while ours.get_message_count() <= n:
            time.sleep(0.02)

    return _timed(n, run)


def _fill(ours: Booster[Any, Any, Any], n: int) -> Any:
    aps = ours.task.environment.schedulers.open("apscheduler", ours, "sqlite").aps_obj
    now = datetime.now(timezone.utc)
    for i in range(n):
        aps.add_push_job("interval", (i,), {"y": 2}, id=str(i), next_run_time=now, hours=1 + i % 24)
    return aps


def _timed(n: int, run: Any) -> Figure:
    cpu, start = time.process_time(), time.perf_counter()
    run()
    return common.rate(n, time.perf_counter() - start, time.process_time() - cpu)
