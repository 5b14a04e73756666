"""Runs that hang: slots free at the deadline, abandoned threads are counted and bounded, late results are discarded."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from funboost_testing.clock import FakeClock
from rest import Steady

from funboost_core import BoosterParams, TaskOptions, boost
from funboost_core.consuming import kills

from .conftest import Story, make_environment


@pytest.fixture
def threads(tmp_path):
    """A story on threads, in memory."""
    environment = make_environment(tmp_path, "MEMORY_QUEUE", "threading", MOST_ABANDONED=40)
    yield Story(environment, "threading")
    environment.close()


SOON = TaskOptions(function_timeout=1.0)
"""For those that hang: the others may be slow, on a busy machine, and must not be taken for such.  One of these that is
held up for so long before it hangs is interrupted, and does not hang: no verdict depends on that."""
LATE = 60.0


def hanging(story: Any) -> int:
    (consumer,) = story.environment.worker.consumers()
    return int(consumer.describe()["abandoned"])


def test_a_thousand_tasks_of_which_each_tenth_hangs(threads, caplog):
    story, before, most, awake = threads, threading.active_count(), 0, []
    free = {x: threading.Event() for x in range(0, 1000, 10)}
    stuck: dict[int, threading.Thread] = {}

    def work(x: int) -> int:
        if x % 10 == 0:
            try:
                stuck[x] = threading.current_thread()
                free[x].wait(50)  # no byte code runs while it waits
            finally:
                awake.append(x)
        return x

    told: list[Any] = []
    task = story.task(
        work,
        function_timeout=LATE,
        max_retry_times=0,
        concurrent_num=50,
        is_print_detail_exception=False,
        user_custom_record_process_info_func=told.append,
    )
    for x in range(1000):
        task.publish({"x": x}, options=SOON if x in free else None)
    task.consume()
    (consumer,) = story.environment.worker.consumers()
    gone_on_while_some_hung = False
    while len(told) < 1000:
        abandoned, threads_now = hanging(story), threading.active_count()
        most = max(most, abandoned)
        gone_on_while_some_hung |= abandoned > 0 and len(told) > 50 and not any(one.is_set() for one in free.values())
        assert threads_now <= before + 50 + 40 + 10
        over = [status.params["x"] for status in list(told)]
        given_up = [x for x in over if x in stuck and x not in awake]
        if abandoned >= 40:
            for x in given_up[:10]:
                free[x].set()
            for x in given_up[:10]:
                stuck[x].join(LATE)  # afterwards it is not counted as a thread of ours any more
        time.sleep(0.005)
    for last in free.values():
        last.set()
    assert gone_on_while_some_hung
    assert 0 < most <= 40
    assert sorted(status.params["x"] for status in told) == list(range(1000))  # each settled, and once
    assert {status.params["x"] for status in told if not status.success} == set(range(0, 1000, 10))
    assert {status.exception_type for status in told if not status.success} == {"TaskTimeout"}
    story.until(lambda: hanging(story) == 0)
    story.until(lambda: not stuck.keys() - awake)
    assert len(told) == 1000
    assert task.get_message_count() == 0
    assert not consumer.gate.full


def test_at_the_limit_nothing_is_fetched_until_some_have_ended(threads, caplog):
    story, free, begun, ended = threads, threading.Event(), [], []

    def work(x: int) -> None:
        try:
            begun.append(x)
            if x < 100:
                free.wait(30)  # no byte code runs while it waits
        finally:
            ended.append(x)

    told: list[Any] = []
    task = story.task(
        work,
        function_timeout=LATE,
        max_retry_times=0,
        concurrent_num=20,
        is_print_detail_exception=False,
        user_custom_record_process_info_func=told.append,
    )
    for x in range(140):
        task.publish({"x": x}, options=SOON if x < 100 else None)
    task.consume()
    (consumer,) = story.environment.worker.consumers()
    story.until(lambda: consumer.gate.full)
    time.sleep(1.5)  # more than two graces: nothing that could still be given up would be left
    assert hanging(story) == 40
    assert len(set(begun) - set(ended)) <= 60
    warnings = [record for record in caplog.records if "nothing more is fetched" in record.getMessage()]
    assert len(warnings) == 1
    assert "isolation='process'" in warnings[0].getMessage()
    free.set()
    story.until(lambda: len(told) == 140)
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
        max_retry_times=100,  # what only is slow, on a busy machine, runs again too
        is_using_rpc_mode=True,
        user_custom_record_process_info_func=told.append,
    )
    result = task.push(1)
    task.consume()
    assert result.set_timeout(45).result == "in time"
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
        BoosterParams(queue_name="q", function_timeout=LATE, max_retry_times=0, is_using_rpc_mode=True),
        environment=environment,
    )(work)
    while not on or not hanging(story):  # once more where it was interrupted before it hung, on a busy machine
        results = [task.publish({"x": x}, options=None if x else SOON) for x in (0, 1, 2)]
        task.consume()  # the first time
        assert [one.set_timeout(45).status_and_result["success"] for one in results] == [False, True, True]
    assert on[-3] != on[-2] == on[-1]
    free.set()
    story.until(lambda: hanging(story) == 0)
    environment.close()


@pytest.mark.parametrize("pool", ["threading", "single_thread"])
def test_a_lock_is_released_and_finally_runs(tmp_path, broker, pool):
    """On a clock moved by hand, so that it is interrupted where it is meant to be: what blocks a loop cannot be."""
    clock = FakeClock()
    environment = make_environment(tmp_path, broker, pool, clock)
    story, lock, entered, steps = Story(environment, pool), threading.Lock(), [], []
    steady = Steady(environment, clock, 0.05, lambda: len(entered) - len(steps))

    def work(x: int) -> None:
        with lock:
            try:
                entered.append(x)
                while True:
                    time.sleep(0.001)
            except Exception:
                steps.append("swallowed")
            finally:
                steps.append("finally")

    task = story.task(work, function_timeout=0.05, max_retry_times=1, is_using_rpc_mode=True)
    result = task.push(1)
    task.consume()
    for count in (1, 2):
        story.until(lambda count=count: len(entered) == count)
        steady.rest()
        clock.advance(0.05)
        story.until(lambda count=count: len(steps) >= count)
    status = result.status_and_result
    environment.close()
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
            function_timeout=LATE,
            max_retry_times=0,
            is_using_rpc_mode=True,
        )
        results = [task.publish({"x": x}, options=None if x else SOON) for x in (0, 1, 2)]
        task.consume()
        assert [one.set_timeout(45).status_and_result["success"] for one in results] == [False, True, True]
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
    status = result.set_timeout(45).status_and_result
    assert status["exception_type"] == "TaskKilled"
    free.set()
    story.until(lambda: hanging(story) == 0)
    assert seen == [1]
    assert task.get_message_count() == 0
    assert story.environment.state.parking.count("story_dlx") == 0


def test_a_kill_is_not_put_off_by_beats_that_repeat_its_order(tmp_path):
    """They come much more often than a run may take to end by itself."""
    environment, free = make_environment(tmp_path, "MEMORY_QUEUE", "threading", BEAT_SECONDS=0.05), threading.Event()
    story, seen = Story(environment, "threading"), []

    def work(x: int) -> None:
        seen.append(x)
        free.wait(50)

    task = story.task(work, is_support_remote_kill_task=True, is_using_rpc_mode=True)
    task.consume()
    for number in range(50):
        result = task.push(number)
        story.until(lambda number=number: number in seen)
        kills.order(environment, "story", result.task_id)
        status = result.set_timeout(45).status_and_result
        assert status is not None
        assert status["exception_type"] == "TaskKilled"
        if hanging(story):  # else it was killed before it hung: once more
            break
    assert hanging(story) == 1
    free.set()
    story.until(lambda: hanging(story) == 0)
    environment.close()


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


def test_a_time_out_that_comes_while_its_deadline_is_being_noted_leaves_no_lock_behind(threads):
    """All runs with a time-out would wait for that lock, for ever."""

    def work(x: int) -> None:
        while not threads.note(x):
            time.sleep(0.001)

    deadlines = threads.environment.worker.deadlines
    task = threads.task(work, function_timeout=LATE, max_retry_times=0)
    task.consume()
    with deadlines._changed:  # whose run notes its deadline waits here
        task.push(1)
        threads.until(lambda: deadlines._dues)
        ((_, action),) = deadlines._dues.values()
        time.sleep(0.1)  # by then it does wait; if not, the lock is not in danger, and nothing is shown
        action()  # as the thread of the deadlines does when one has passed
    threads.until(lambda: not deadlines._dues)
    assert deadlines._changed.acquire(timeout=45)
    deadlines._changed.release()
