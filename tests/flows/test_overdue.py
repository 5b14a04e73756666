"""Runs that hang: slots free at the deadline, abandoned threads are counted and bounded, late results are discarded."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from funboost_core import BoosterParams, boost
from funboost_core.consuming import kills

from .conftest import Story, make_environment


@pytest.fixture
def threads(tmp_path):
    """A story on threads, in memory."""
    environment = make_environment(tmp_path, "MEMORY_QUEUE", "threading", MOST_ABANDONED=40)
    yield Story(environment, "threading")
    environment.close()


def hanging(story: Any) -> int:
    (consumer,) = story.environment.worker.consumers()
    return int(consumer.describe()["abandoned"])


def test_a_thousand_tasks_of_which_each_tenth_hangs(threads, caplog):
    story, before, most, awake = threads, threading.active_count(), 0, []

    def work(x: int) -> int:
        if x % 10 == 0:
            try:
                time.sleep(3)
            finally:
                awake.append(x)
        return x

    told: list[Any] = []
    task = story.task(
        work,
        function_timeout=0.1,
        max_retry_times=0,
        concurrent_num=50,
        is_print_detail_exception=False,
        user_custom_record_process_info_func=told.append,
    )
    task.push_many([{"x": x} for x in range(1000)])
    task.consume()
    (consumer,) = story.environment.worker.consumers()
    gone_on_while_some_hung = False
    while len(told) < 1000:
        abandoned, threads_now = hanging(story), threading.active_count()
        most = max(most, abandoned)
        gone_on_while_some_hung |= abandoned > 0 and len(told) > 50 and not awake
        assert threads_now <= before + 50 + 40 + 10
        time.sleep(0.005)
    assert gone_on_while_some_hung
    assert 0 < most <= 40
    assert sorted(status.params["x"] for status in told) == list(range(1000))  # each settled, and once
    assert {status.params["x"] for status in told if not status.success} == set(range(0, 1000, 10))
    assert {status.exception_type for status in told if not status.success} == {"TaskTimeout"}
    story.until(lambda: hanging(story) == 0)
    story.until(lambda: len(awake) == 100)
    assert len(told) == 1000
    assert task.get_message_count() == 0
    assert not consumer.gate.full


def test_at_the_limit_nothing_is_fetched_until_some_have_ended(threads, caplog):
    story, free, seen = threads, threading.Event(), []

    def work(x: int) -> None:
        seen.append(x)
        if x < 60:
            free.wait(30)  # no byte code runs while it waits

    task = story.task(
        work, function_timeout=0.05, max_retry_times=0, concurrent_num=20, is_print_detail_exception=False
    )
    task.push_many([{"x": x} for x in range(100)])
    task.consume()
    (consumer,) = story.environment.worker.consumers()
    story.until(lambda: consumer.gate.full)
    time.sleep(1.5)  # more than two graces: nothing that could still be given up would be left
    assert hanging(story) == 40
    assert len(seen) <= 60
    warnings = [record for record in caplog.records if "nothing more is fetched" in record.getMessage()]
    assert len(warnings) == 1
    assert "isolation='process'" in warnings[0].getMessage()
    free.set()
    story.until(lambda: len(set(seen)) == 100)
    story.until(lambda: hanging(story) == 0)
    assert not consumer.gate.full


def test_a_late_result_is_discarded_and_the_message_runs_again(threads):
    story, free, runs = threads, threading.Event(), []

    def work(x: int) -> str:
        runs.append(x)
        if len(runs) == 1:
            free.wait(30)
            return "late"
        return "in time"

    told: list[Any] = []
    task = story.task(
        work,
        function_timeout=0.05,
        max_retry_times=1,
        is_using_rpc_mode=True,
        user_custom_record_process_info_func=told.append,
    )
    result = task.push(1)
    task.consume()
    assert result.set_timeout(20).result == "in time"
    free.set()
    story.until(lambda: hanging(story) == 0)
    assert [status.result for status in told] == ["in time"]


def test_the_one_thread_of_single_thread_is_replaced(tmp_path):
    environment = make_environment(tmp_path, "MEMORY_QUEUE", "single_thread")
    story, free, on = Story(environment, "single_thread"), threading.Event(), []

    async def work(x: int) -> int:
        on.append(threading.get_ident())
        if x == 0:
            free.wait(30)
        return x

    task = boost(
        BoosterParams(queue_name="q", function_timeout=0.05, max_retry_times=0, is_using_rpc_mode=True),
        environment=environment,
    )(work)
    results = [task.push(x) for x in (0, 1, 2)]
    task.consume()
    assert [one.set_timeout(20).status_and_result["success"] for one in results] == [False, True, True]
    assert on[0] != on[1] == on[2]
    free.set()
    story.until(lambda: hanging(story) == 0)
    environment.close()


def test_a_lock_is_released_and_finally_runs(story):
    lock, steps = threading.Lock(), []

    def work(x: int) -> None:
        with lock:
            try:
                while True:
                    time.sleep(0.001)
            except Exception:
                steps.append("swallowed")
            finally:
                steps.append("finally")

    if story.pool == "asyncio":
        pytest.skip("what blocks the loop cannot be reached")
    task = story.task(work, function_timeout=0.05, max_retry_times=1, is_using_rpc_mode=True)
    result = task.push(1)
    task.consume()
    status = result.set_timeout(20).status_and_result
    assert (status["exception_type"], status["run_times"]) == ("TaskTimeout", 2)
    assert steps == ["finally", "finally"]
    assert not lock.locked()


def test_an_executor_of_the_users(tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    environment, free = make_environment(tmp_path, "MEMORY_QUEUE", "threading"), threading.Event()
    story = Story(environment, "threading")
    with ThreadPoolExecutor(3) as executor:
        task = story.task(
            lambda x: free.wait(30) if x == 0 else x,
            specify_concurrent_pool=executor,
            function_timeout=0.05,
            max_retry_times=0,
            is_using_rpc_mode=True,
        )
        results = [task.push(x) for x in (0, 1, 2)]
        task.consume()
        assert [one.set_timeout(20).status_and_result["success"] for one in results] == [False, True, True]
        free.set()
        story.until(lambda: hanging(story) == 0)
        environment.close()


def test_a_task_that_hangs_is_killed_from_elsewhere_and_not_retried(threads):
    story, free, seen = threads, threading.Event(), []

    def work(x: int) -> None:
        seen.append(x)
        free.wait(30)

    task = story.task(
        work,
        is_support_remote_kill_task=True,
        is_using_rpc_mode=True,
        is_push_to_dlx_queue_when_retry_max_times=True,
        dead_letter_for=(Exception,),
    )
    result = task.push(1)
    task.consume()
    story.until(lambda: seen)
    kills.order(story.environment, "story", result.task_id)
    status = result.set_timeout(20).status_and_result
    assert status["exception_type"] == "TaskKilled"
    free.set()
    story.until(lambda: hanging(story) == 0)
    assert seen == [1]
    assert task.get_message_count() == 0
    assert story.environment.state.parking.count("story_dlx") == 0


def test_a_task_without_the_controls_is_called_as_it_is(threads):
    task = threads.task(lambda x: x)
    task.consume()
    (consumer,) = threads.environment.worker.consumers()
    assert consumer.canceller.wrap(len, task.task.params) is len
    assert consumer._receiver._planner.plain.bare


def test_a_gate_that_was_closed_too_late_is_opened_by_the_next_beat(threads):
    task = threads.task(lambda x: threads.note(x))
    task.consume()
    (consumer,) = threads.environment.worker.consumers()
    consumer.gate.fill(True)  # while the last run that hung has ended
    task.push(1)
    assert threads.wait_for(1) == [1]
    assert not consumer.gate.full
