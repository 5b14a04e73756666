"""The documented ways to push at set times."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import textwrap
import threading
import time

import pytest

pytest.importorskip("apscheduler", reason="APScheduler is not installed: schedules are not tested here")

import funboost
from apscheduler.schedulers.background import BackgroundScheduler
from funboost import ApsJobAdder, BoosterParams, boost, timing_publish_deco
from funboost.timing_job import apscheduler_use_redis_store, timing_job_base

from funboost_core.environment import using


@pytest.fixture
def add(environment, tmp_path, calls):
    environment.settings.values["DATA_DIR"] = str(tmp_path)

    @boost(BoosterParams(queue_name="sums"), environment=environment)
    def add(x, y):
        calls.add(x, y)

    return add


@pytest.mark.parametrize("store", ["memory", "sqlite", pytest.param("redis", marks=pytest.mark.server)])
def test_the_documented_program(add, calls, store, request, environment):
    """Ch 4.4.1: a date, an interval, a cron expression."""
    if store == "redis":
        pytest.importorskip("funboost_store_redis", reason="funboost-store-redis is not installed here")
        place = request.getfixturevalue("redis_place")
        environment.settings.values.update(REDIS_URL=place.url, NAMESPACE=place.namespace)
    add.consume()
    soon = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() + 8 * 3600 + 2))  # Asia/Shanghai
    adder = ApsJobAdder(add, job_store_kind=store)
    adder.add_push_job(
        trigger="date", run_date=soon, args=(7, 8), replace_existing=True, id="date_job1", misfire_grace_time=600
    )  # it may have passed on a machine that is slow
    ApsJobAdder(add, job_store_kind=store).add_push_job(
        trigger="date", run_date="2025-01-17 23:25:40", args=(0, 0), replace_existing=True, id="date_job_passed"
    )
    ApsJobAdder(add, job_store_kind=store).add_push_job(
        "interval", seconds=1, args=(4, 6), id="interval_job1", replace_existing=True
    )
    ApsJobAdder(add, job_store_kind=store).add_push_job(
        trigger="cron",
        day_of_week="*",
        hour="*",
        minute="*",
        second="*/2",
        kwargs={"x": 50, "y": 60},
        replace_existing=True,
        id="cron_job1",
    )
    end = time.monotonic() + 50
    while not {(7, 8), (4, 6), (50, 60)} <= set(calls.seen):
        assert time.monotonic() < end, calls.seen
        time.sleep(0.02)
    assert (0, 0) not in calls.seen
    # what has ended goes after it has been published: its call may have run before
    while (left := {job.id for job in adder.aps_obj.get_jobs()}) != {"interval_job1", "cron_job1"}:
        assert time.monotonic() < end, left
        time.sleep(0.02)


def test_jobs_are_looked_at_without_starting(add):
    """Ch 4.4.2."""
    ApsJobAdder(add, "sqlite", is_auto_start=False).add_push_job("interval", hours=1, args=(1, 2), id="a")
    aps_obj = ApsJobAdder(add, job_store_kind="sqlite", is_auto_start=False).aps_obj
    assert isinstance(aps_obj, BackgroundScheduler)
    assert not aps_obj.running
    assert [job.id for job in aps_obj.get_jobs()] == ["a"]
    aps_obj.remove_job("a")
    aps_obj.remove_all_jobs()
    assert aps_obj.get_jobs() == []


def test_paused_for_the_web(add):
    """Ch 4.4.3; a worker in the same process is not paused by it."""
    adder = ApsJobAdder(add, job_store_kind="sqlite", is_auto_start=True, is_auto_paused=True)
    assert adder.aps_obj.state == 2
    ApsJobAdder(add, job_store_kind="sqlite")
    assert adder.aps_obj.state == 1
    ApsJobAdder(add, job_store_kind="sqlite", is_auto_paused=True)
    assert adder.aps_obj.state == 1


def test_times_are_in_the_documented_zone(add):
    job = ApsJobAdder(add, is_auto_start=False).add_push_job("cron", hour=3, args=(1, 2))
    assert job.next_run_time.utcoffset().total_seconds() == 8 * 3600


def test_the_older_names(add, calls, environment):
    assert (
        funboost.fsdf_background_scheduler is funboost.funboost_aps_scheduler is timing_job_base.funboost_aps_scheduler
    )
    scheduler = timing_job_base.FunboostBackgroundScheduler(timezone="UTC")
    assert timing_job_base.FsdfBackgroundScheduler is timing_job_base.FunboostBackgroundScheduler
    assert isinstance(scheduler, BackgroundScheduler)
    assert issubclass(
        apscheduler_use_redis_store.FunboostBackgroundSchedulerProcessJobsWithinRedisLock, BackgroundScheduler
    )
    add.consume()
    scheduler.start()
    scheduler.add_job(timing_publish_deco(add), "date", kwargs={"x": 5, "y": 6}, misfire_grace_time=None)
    scheduler.add_job(timing_publish_deco(add.consumer), "date", args=(7, 8), misfire_grace_time=None)
    with using(environment):
        timing_job_base.push_fun_params_to_broker("sums", 1, y=2)
    assert sorted(calls.wait(3)) == [(1, 2), (5, 6), (7, 8)]
    scheduler.shutdown()


WITHOUT = """
import sys
for name in ("apscheduler", "funboost_scheduler_apscheduler"):
    sys.modules[name] = None
import funboost
from funboost import ApsJobAdder, BoosterParams, boost, timing_publish_deco
@boost(BoosterParams(queue_name="q"))
def f(): pass
for use in (lambda: funboost.funboost_aps_scheduler, lambda: ApsJobAdder(f)):
    try:
        use()
    except (ImportError, ValueError) as error:
        print(error)
"""


def test_without_the_plugin_it_says_what_to_install(tmp_path):
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "FUNBOOST_DATA_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(WITHOUT)], env=environ, capture_output=True, text=True, check=True
    )
    first, second = done.stdout.splitlines()
    assert "pip install funboost-scheduler-apscheduler" in first
    assert "apscheduler" in second
    assert importlib.util.find_spec("funboost_scheduler_apscheduler")


def test_two_threads_get_the_same_scheduler(program, monkeypatch):
    background = pytest.importorskip("funboost_scheduler_apscheduler.background")
    free = []

    def look():
        free.append(timing_job_base._one_at_a_time().acquire(blocking=False))

    class Scheduler(background.FunboostBackgroundScheduler):
        def __init__(self, **options):
            other = threading.Thread(target=look)
            other.start()
            other.join()
            super().__init__(**options)

    monkeypatch.setattr(background, "FunboostBackgroundScheduler", Scheduler)
    assert timing_job_base.funboost_aps_scheduler is timing_job_base.fsdf_background_scheduler
    assert free == [False]
