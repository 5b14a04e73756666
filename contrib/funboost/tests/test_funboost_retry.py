"""The documented ways to fail (chapter 4.24), the same in every mode."""

from __future__ import annotations

import functools

import pytest
from funboost import (
    BoosterParams,
    ConcurrentModeEnum,
    ExceptionForPushToDlxqueue,
    ExceptionForRequeue,
    boost,
    fct,
)

MODES = [ConcurrentModeEnum.THREADING, ConcurrentModeEnum.SINGLE_THREAD, ConcurrentModeEnum.ASYNC]


@pytest.fixture(params=MODES)
def decorate(request, environment):
    """``decorate(function, **fields)``: a task in each mode of this distribution."""

    def decorate(function, **fields):
        if request.param == ConcurrentModeEnum.ASYNC:
            plain = function

            @functools.wraps(plain)
            async def function(a, b):
                return plain(a, b)

        params = BoosterParams(
            queue_name="q",
            concurrent_mode=request.param,
            is_print_detail_exception=False,
            is_using_rpc_mode=True,
            **fields,
        )
        return boost(params, environment=environment)(function)

    return decorate


@pytest.fixture
def dead(environment, calls):
    """``dead(number)``: so many messages of the dead-letter queue, as a consumer of it sees them."""

    def dead(number):
        consumer = boost(BoosterParams(queue_name="q_dlx"), environment=environment)(
            lambda a, b: calls.add(fct.full_msg)
        )
        before = len(calls.seen)
        consumer.consume()
        return [message for (message,) in calls.wait(before + number)[before:]]

    return dead


def count_dead(environment):
    return boost(BoosterParams(queue_name="q_dlx"), environment=environment)(lambda a, b: None).get_message_count()


def test_max_retry_times_then_confirmed(decorate, environment, calls):
    def add(a, b):
        calls.add(a)
        raise ValueError("no")

    task = decorate(add, max_retry_times=5)
    status = task.push(1, 2).set_timeout(40)
    task.consume()
    assert status.status_and_result["run_times"] == 6
    assert (status.is_success(), status.result) == (False, "FUNC_RUN_ERROR")
    assert status.status_and_result["exception"].startswith("ValueError")
    assert len(calls.seen) == 6
    assert (task.get_message_count(), count_dead(environment)) == (0, 0)


def test_requeue_is_not_limited_and_answers_in_the_end(decorate, calls):
    def add(a, b):
        calls.add(a)
        if len(calls.seen) < 8:
            raise ExceptionForRequeue("another turn")
        return a + b

    task = decorate(add, max_retry_times=2)
    result = task.push(1, 2).set_timeout(40)
    task.consume()
    assert result.result == 3
    assert len(calls.seen) == 8


def test_to_the_dead_letter_queue_once_with_its_extra(decorate, environment, calls, dead):
    def add(a, b):
        calls.add(a)
        raise ExceptionForPushToDlxqueue("no good")

    task = decorate(add, max_retry_times=5)
    result = task.publish({"a": 1, "b": 2}, task_id="mine").set_timeout(40)
    task.consume()
    assert result.result == "FUNC_RUN_ERROR"
    (message,) = dead(1)
    assert (message["a"], message["b"], message["extra"]["task_id"]) == (1, 2, "mine")
    assert len(calls.seen) == 2
    assert count_dead(environment) == 0


def test_after_the_last_retry_where_that_is_asked_for(decorate, environment, calls, dead):
    def add(a, b):
        calls.add(a)
        raise ValueError("no")

    task = decorate(add, max_retry_times=2, is_push_to_dlx_queue_when_retry_max_times=True)
    result = task.push(1, 2).set_timeout(40)
    task.consume()
    assert result.result == "FUNC_RUN_ERROR"
    (message,) = dead(1)
    assert message["extra"]["dead_letter"]["reason"] == "failed 3 times"
    assert len(calls.seen) == 4
    assert count_dead(environment) == 0
