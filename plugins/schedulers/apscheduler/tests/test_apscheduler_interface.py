"""`aps_obj`: a genuine scheduler of APScheduler, whose jobs are one queue's schedules."""

from __future__ import annotations

import datetime

import pytest
from apscheduler import events
from apscheduler.jobstores.base import ConflictingIdError, JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import STATE_PAUSED, STATE_RUNNING, STATE_STOPPED, SchedulerAlreadyRunningError
from apscheduler.triggers.interval import IntervalTrigger
from funboost_testing.calls import Call
from funboost_testing.faults import Faults, cut

from funboost_core import ConfigError, SignatureError, bootstrap
from funboost_core.errors import StateMissing

pytestmark = pytest.mark.parametrize("store", ["memory", "sqlite"])


@pytest.fixture
def aps(stage, store):
    return stage.scheduler(store).aps_obj


def test_it_is_one_and_there_is_one_for_each_function_and_store(stage, store):
    f = stage.program()
    schedulers = f.task.environment.schedulers
    scheduler = schedulers.open("apscheduler", f, store)
    assert isinstance(scheduler.aps_obj, BackgroundScheduler)
    assert schedulers.open("APScheduler", f, store.upper()) is scheduler


def test_jobs_can_be_looked_at_and_changed_while_it_is_stopped(aps):
    for id in "abc":
        aps.add_push_job("interval", seconds=10, args=(id,), id=id)
    assert aps.state == STATE_STOPPED
    assert not aps.running
    assert [job.id for job in aps.get_jobs()] == ["a", "b", "c"]
    aps.remove_job("a")
    with pytest.raises(JobLookupError):
        aps.remove_job("a")
    assert aps.pause_job("b").next_run_time is None
    assert aps.get_job("b").next_run_time is None
    assert aps.get_job("a") is None
    aps.remove_all_jobs()
    assert aps.get_jobs() == []
    assert aps.state == STATE_STOPPED


def test_it_starts_while_another_thread_looks(aps, stage):
    aps.add_push_job("interval", seconds=10, args=(1,), id="a")
    with aps._attached():
        assert aps.state == STATE_PAUSED
        other = Call(lambda: (aps.running, aps._jobstores_lock.acquire(False)))
        assert other.result() == (False, False)
        starting = Call(lambda: setattr(aps, "state", STATE_RUNNING))  # what `start` does without the lock
        starting.result()
    assert aps.state == STATE_RUNNING
    aps.state = STATE_STOPPED


def test_starting_again_leaves_the_event_that_its_thread_waits_for(aps):
    aps.start()
    event = aps._event
    with pytest.raises(SchedulerAlreadyRunningError):
        aps.start()
    assert aps._event is event


def test_start_pause_resume_shutdown(aps, stage):
    aps.add_push_job("interval", seconds=10, args=(1,), id="a")
    aps.start(paused=True)
    assert aps.state == STATE_PAUSED
    aps.resume()
    with pytest.raises(SchedulerAlreadyRunningError):
        aps.start()
    stage.let_pass(10)
    assert len(stage.published.ids) == 1
    aps.pause()
    stage.let_pass(10)
    assert len(stage.published.ids) == 1
    aps.resume()
    stage.settle()
    assert aps.state == STATE_RUNNING
    assert len(stage.published.ids) == 2
    aps.shutdown()
    assert aps.state == STATE_STOPPED


def test_a_job_is_changed_while_it_runs(aps, stage):
    aps.add_push_job("interval", seconds=10, args=(1,), id="a", name="first")
    aps.start()
    stage.settle()
    job = aps.modify_job("a", kwargs={"y": 2}, name="second", coalesce=False, misfire_grace_time=30)
    assert (job.args, job.kwargs, job.name, job.coalesce, job.misfire_grace_time) == (
        (1,),
        {"y": 2},
        "second",
        False,
        30,
    )
    stage.let_pass(10)
    assert stage.published.arguments == [{"x": 1, "y": 2}]
    with pytest.raises(SignatureError):
        aps.modify_job("a", args=(1, 2, 3))
    job = aps.reschedule_job("a", trigger="interval", seconds=60)
    assert job.next_run_time.timestamp() == stage.clock.time() + 60
    job.modify(next_run_time=datetime.datetime.fromtimestamp(stage.clock.time() + 5, datetime.timezone.utc))
    stage.let_pass(5)
    assert len(stage.published.ids) == 2
    assert aps.get_job("a").next_run_time.timestamp() == stage.clock.time() + 60
    job.pause()
    stage.let_pass(600)
    assert aps.resume_job("a").next_run_time.timestamp() > stage.clock.time()
    job.remove()
    assert aps.get_jobs() == []
    for change in (aps.modify_job, aps.pause_job, aps.resume_job):
        with pytest.raises(JobLookupError):
            change("a")


def test_arguments_of_add_job(aps, stage):
    now = datetime.datetime.fromtimestamp(stage.clock.time(), datetime.timezone.utc)
    job = aps.add_push_job("interval", (1,), {"y": 2}, "a", "name", 5, False, 3, now, seconds=10)
    assert (job.id, job.name, job.misfire_grace_time, job.coalesce, job.max_instances) == ("a", "name", 5, False, 3)
    assert job.next_run_time == now
    assert aps.add_push_job(IntervalTrigger(hours=2), (1,), id="b", next_run_time=None).next_run_time is None
    assert len(aps.add_push_job(args=(1,)).id) == 32
    with pytest.raises(ConflictingIdError):
        aps.add_push_job("interval", (1,), id="a", seconds=5)
    with pytest.raises(ConfigError, match="no time to come"):
        aps.add_push_job("cron", (1,), year=2001)
    for wrong in ({"jobstore": "other"}, {"executor": "processpool"}):
        with pytest.raises(ConfigError, match="Leave both out"):
            aps.add_push_job("interval", (1,), seconds=5, **wrong)


def test_a_paused_job_that_is_declared_again_stays_paused(aps):
    aps.add_push_job("interval", (1,), id="a", seconds=10)
    aps.pause_job("a")
    assert aps.add_push_job("interval", (2,), id="a", seconds=10, replace_existing=True).next_run_time is None
    assert aps.get_job("a").args == (2,)


def test_functions_are_refused(aps):
    with pytest.raises(ConfigError, match=r"use add_push_job.*funboost_aps_scheduler"):
        aps.add_job(print, "interval", seconds=5)


def test_listeners_hear_what_becomes_of_jobs(aps, stage):
    heard = []
    aps.add_listener(lambda event: heard.append(event), events.EVENT_ALL)
    aps.add_push_job("interval", (1,), id="a", seconds=10, misfire_grace_time=5)
    aps.start()
    stage.let_pass(10)
    with Faults(stage.environments[0]) as faults:
        faults.at("publish", cut())
        stage.let_pass(10)
    stage.let_pass(16)
    aps.remove_job("a")
    told = [(event.code, getattr(event, "retval", None)) for event in heard if getattr(event, "job_id", "") == "a"]
    assert told == [
        (events.EVENT_JOB_ADDED, None),
        (events.EVENT_JOB_EXECUTED, *stage.published.ids),
        (events.EVENT_JOB_ERROR, None),
        (events.EVENT_JOB_MISSED, None),
        (events.EVENT_JOB_REMOVED, None),
    ]


def test_a_store_that_fails_does_not_end_the_scheduler(aps, stage, caplog):
    aps.add_push_job("interval", (1,), id="a", seconds=10)
    aps.start()
    stage.settle()
    table = aps._store.table
    claim, table.claim = table.claim, lambda *_: 1 / 0
    stage.let_pass(10)
    assert "looking for due schedules failed" in caplog.text
    table.claim = claim
    stage.let_pass(1)
    assert len(stage.published.ids) == 1


def test_nothing_is_added_or_started_while_a_child_imports_its_main_module(stage, store, monkeypatch, caplog):
    scheduler = stage.scheduler(store)
    monkeypatch.setattr(bootstrap, "muted", True)
    scheduler.start()
    job = scheduler.aps_obj.add_push_job("interval", (1,), id="a", seconds=10)
    assert job.id == "a"
    assert not scheduler.aps_obj.running
    assert scheduler.all() == []
    assert caplog.text.count("left to the parent process") == 2


def test_stores_and_state_that_are_not_there_say_what_to_do(stage, store):
    f = stage.program()
    schedulers = f.task.environment.schedulers
    with pytest.raises(ConfigError, match=r"'sqlalchemy' is not there yet.*'memory', 'sqlite', 'redis'"):
        schedulers.open("apscheduler", f, "sqlalchemy")
    with pytest.raises(ConfigError, match="no job store 'etcd'"):
        schedulers.open("apscheduler", f, "etcd")
    stateless = stage.program(STATE_URL="")
    with pytest.raises(StateMissing, match="FUNBOOST_STATE_URL"):
        stateless.task.environment.schedulers.open("apscheduler", stateless, store)
