"""At least once published, once run: what a scheduler that dies leaves behind, and what consumers make of copies."""

from __future__ import annotations

import logging
import threading
import time

import pytest

from funboost_core import BoosterParams, Environment, boost
from funboost_core.ports.scheduler import Schedule
from funboost_core.publishing.fires import Fires
from funboost_core.results import AsyncResult

go = threading.Event()


def test_a_fire_that_was_published_and_not_noted_is_published_again(stage):
    """With the same id and another mark, when the claim of the one that died has ended."""
    first, second = stage.scheduler(), stage.scheduler()
    begun = stage.clock.time()
    first.add(Schedule("s", {"kind": "interval", "seconds": 60}, (1,)))
    first.aps_obj._store.table.swap = lambda changes: 1 / 0  # as if it were killed right there
    first.start()
    stage.let_pass(60)
    first.stop()
    second.start()
    stage.let_pass(9)
    assert len(stage.published.ids) == 1
    stage.let_pass(1)
    assert len(stage.published.ids) == 2
    assert len(set(stage.published.ids)) == 1
    assert len({extra["fire"] for extra in stage.published.extras}) == 2
    stage.let_pass(50)
    assert len(stage.published.ids) == 3
    assert second.all()[0].next_due == begun + 180


def test_a_claim_covers_only_what_has_not_been_published(stage):
    """A scheduler that was held up for half its lease gives the rest back instead of publishing it late."""
    scheduler = stage.scheduler()
    for number in range(5):
        scheduler.add(Schedule(str(number), {"kind": "interval", "seconds": 60}, (number,)))
    firing, table = scheduler.aps_obj._firing, scheduler.aps_obj._store.table
    claimed, claim = [], table.claim

    def noted(*what):
        rows = claim(*what)
        claimed.append(len(rows))
        return rows

    table.claim = noted
    publish = firing._context.fires.publish

    class Slow:
        @staticmethod
        def publish(*fire):
            stage.clock.advance(3)
            return publish(*fire)

    firing._context = firing._context._replace(fires=Slow)
    scheduler.start()
    stage.let_pass(60)
    assert [count for count in claimed if count] == [5, 3, 1]
    assert len(stage.published.ids) == len(set(stage.published.ids)) == 5


def test_a_change_in_the_middle_of_a_fire_wins(stage):
    scheduler = stage.scheduler()
    begun = stage.clock.time()
    scheduler.add(Schedule("s", {"kind": "interval", "seconds": 60}, (1,)))
    firing = scheduler.aps_obj._firing
    publish = firing._context.fires.publish

    class Changing:
        @staticmethod
        def publish(*fire):
            if not stage.published.ids:
                scheduler.add(Schedule("s", {"kind": "interval", "seconds": 7}, (2,)), replace=True)
            return publish(*fire)

    firing._context = firing._context._replace(fires=Changing)
    scheduler.start()
    stage.let_pass(60)
    assert scheduler.all()[0].next_due == begun + 67
    stage.let_pass(7)
    assert [arguments["x"] for arguments in stage.published.arguments] == [1, 2]


# -- consumers ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def task():
    """A task, its runs, and its fires; it fails at its first run."""
    environment = Environment({"BROKER_KIND": "MEMORY_QUEUE", "CONCURRENT_MODE": "threading", "STATE_URL": "memory://"})
    runs = []
    go.clear()

    @boost(BoosterParams(queue_name="q", concurrent_num=4, is_print_detail_exception=False), environment=environment)
    def f(x):
        runs.append(x)
        if runs == ["fails"]:
            raise ValueError("the first time")
        if x == "waits":
            assert go.wait(50)
        return x

    yield f, runs, Fires(f)
    environment.close()


def until(condition):
    end = time.monotonic() + 40
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def drained(f):
    """All has been worked off; what had been fetched and not started when the consumer stopped, by the next one."""
    while True:
        until(lambda: f.get_message_count() == 0)
        assert f.task.environment.worker.stop()
        if not f.get_message_count():
            return
        f.consume()


def test_of_the_copies_of_a_fire_one_runs(task, caplog):
    f, runs, fires = task
    with caplog.at_level(logging.INFO):
        for due in (1.0, 2.0):
            for _ in range(3):
                fires.publish("s", due, (), {"x": due})
        f.push(3)
        f.push(3)
        f.consume()
        drained(f)
    assert sorted(runs) == [1.0, 2.0, 3, 3]
    assert caplog.text.count("another copy of this fire has been taken already") == 4


def test_who_waits_for_a_fire_is_told_nothing_of_copies(task, caplog):
    f, _, fires = task
    f.boost_params.is_using_rpc_mode = True
    caplog.set_level(logging.INFO)
    for _ in range(2):
        task_id = fires.publish("s", 1.0, ("waits",), {})
    f.consume()
    until(lambda: "another copy" in caplog.text)
    time.sleep(0.05)
    assert f.task.environment.state.replies.get(task_id, 0) is None
    go.set()
    drained(f)
    assert AsyncResult(task_id, 40, f.task.environment, True).result == "waits"


def test_a_copy_does_not_give_up_what_the_one_that_runs_holds(task):
    f, runs, fires = task
    f.boost_params.unique = "while_running"
    for x in ("waits", "waits"):
        fires.publish("s", 1.0, (x,), {})
    f.consume()
    until(lambda: runs and f.get_message_count() <= 1)
    f.push("waits")
    time.sleep(0.3)
    assert runs == ["waits"]
    go.set()
    drained(f)
    assert runs == ["waits", "waits"]


def test_a_fire_is_retried_like_any_other_message(task):
    f, runs, fires = task
    fires.publish("s", 1.0, ("fails",), {})
    fires.publish("s", 1.0, ("fails",), {})
    f.consume()
    until(lambda: len(runs) >= 2)
    drained(f)
    assert runs == ["fails", "fails"]


def test_a_fire_that_comes_again_after_a_crash_runs(task):
    """The same copy: its claim is its own."""
    f, runs, _ = task
    message = {"x": 1, "extra": {"task_id": "q_result:s:1", "fire": "one"}}
    f.publish(message)
    f.publish(message)
    f.consume()
    drained(f)
    assert runs == [1, 1]


def test_without_state_consumers_say_that_they_cannot_tell(task, caplog):
    environment = Environment({"BROKER_KIND": "MEMORY_QUEUE", "CONCURRENT_MODE": "threading"})
    runs = []

    @boost(BoosterParams(queue_name="q"), environment=environment)
    def f(x):
        runs.append(x)

    fires = Fires(f)
    fires.publish("s", 1.0, (1,), {})
    fires.publish("s", 1.0, (1,), {})
    f.consume()
    drained(f)
    environment.close()
    assert runs == [1, 1]
    assert "set STATE_URL" in caplog.text


def test_what_no_schedule_has_fired_pays_nothing(task):
    from funboost_core.consuming.plan import Planner

    f, _, _ = task
    planner = Planner(f.task, lambda function: function)
    assert planner.plain.admit == ()
    assert planner.plain.bare
