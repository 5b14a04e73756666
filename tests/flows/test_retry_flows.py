"""Failing tasks, in every pool, over memory and SQLite: nobody waits for them, and none is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest

from funboost_core import BoosterParams, DeadLetterTask, RequeueTask, TaskOptions, fct
from funboost_core.ports.broker import PullBroker
from funboost_core.task import Task


def letters(story: Any) -> list[dict[str, Any]]:
    """What the dead letters of the story say about themselves, by looking at them."""
    broker = Task(BoosterParams(queue_name="story_dlx"), None, story.environment).make_broker()
    assert isinstance(broker, PullBroker)
    broker.listen()
    bodies = [delivery.body for delivery in broker.fetch(100, 0)]
    broker.close()
    return [(body if isinstance(body, dict) else json.loads(body))["extra"]["dead_letter"] for body in bodies]


def quiet(**params: Any) -> dict[str, Any]:
    return {"is_print_detail_exception": False, **params}


def test_the_only_worker_runs_others_while_a_message_waits_for_its_retry(story):
    """The interval is an hour: who slept through it would not run anything else, nor end."""

    def run(x):
        story.note(x)
        if x == "bad":
            raise ValueError("no")

    task = story.task(run, **quiet(concurrent_num=1, retry_interval=3600))
    task.push("bad")
    task.push_many([{"x": n} for n in range(20)])
    task.consume()
    assert sorted(map(str, story.wait_for(21))) == sorted(map(str, ["bad", *range(20)]))
    assert task.get_message_count() == 1
    assert story.environment.worker.stop()
    assert story.seen.count("bad") == 1


def test_each_interval_is_longer_than_the_one_before(story):
    clock = story.environment.clock

    def run():
        story.note((fct.full_msg["extra"].get("run_times", 0), clock.time()))
        raise ValueError("no")

    params = quiet(max_retry_times=3, retry_interval=0.05, retry_backoff=3, retry_interval_max=0.3)
    task = story.task(run, concurrent_num=1, **params)
    task.push()
    task.consume()
    runs, times = zip(*story.wait_for(4))
    assert runs == (0, 1, 2, 3)
    assert all(later - earlier >= least for earlier, later, least in zip(times, times[1:], (0.05, 0.15, 0.3))), (
        "never too early"
    )
    story.until(lambda: task.get_message_count() == 0)


def test_by_type_of_exception(story):
    kinds = {"retried": ConnectionError, "not": KeyError, "at once": ZeroDivisionError, "asked": DeadLetterTask}

    def run(x):
        story.note(x)
        raise kinds[x](x)

    params = quiet(max_retry_times=1, retry_only_for=(OSError,), dead_letter_for=(ZeroDivisionError,))
    task = story.task(run, is_push_to_dlx_queue_when_retry_max_times=True, **params)
    for x in kinds:
        task.push(x)
    task.publish({"x": "not"}, options=TaskOptions(is_push_to_dlx_queue_when_retry_max_times=False))
    task.consume()
    story.wait_for(6)
    story.until(lambda: task.get_message_count() == 0)
    assert story.environment.worker.stop()
    assert {x: story.seen.count(x) for x in kinds} == {"retried": 2, "not": 2, "at once": 1, "asked": 1}
    assert sorted(letter["reason"] for letter in letters(story)) == [
        "ZeroDivisionError makes a dead letter at once",
        "failed 1 time, KeyError is not retried",
        "failed 2 times",
        "the task asked for it",
    ]


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_what_ends_a_program_does_not_end_a_worker(story, error):
    def run(x):
        story.note(x)
        if x == "bad":
            raise error("no")

    task = story.task(run, **quiet(concurrent_num=1, max_retry_times=1))
    task.push("bad")
    task.push("good")
    task.consume()
    assert story.wait_for(3) == ["bad", "bad", "good"]
    story.until(lambda: task.get_message_count() == 0)


def test_put_offs_in_order_are_no_deliveries(story):
    """A retry with an interval, another turn, restarts: the message is never taken for poison."""

    def run():
        story.note(fct._delivery().attempts)
        if len(story.seen) % 2:
            raise RequeueTask
        raise ValueError("later")

    task = story.task(run, **quiet(max_retry_times=100, retry_interval=0.001, max_deliveries=1))
    task.push()
    for count in (4, 8, 12):
        task.consume()
        story.wait_for(count)
        assert story.environment.worker.stop()
    assert set(story.seen) == {1}
    assert letters(story) == []
