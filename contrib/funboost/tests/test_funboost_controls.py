"""Controls of a task and of one message, and results, over the memory broker."""

from __future__ import annotations

import asyncio
import functools
import json

import pytest
from funboost import (
    AioAsyncResult,
    AsyncResult,
    BoosterParams,
    ConcurrentModeEnum,
    ExceptionForPushToDlxqueue,
    ExceptionForRequeue,
    ExceptionForRetry,
    FunctionResultStatus,
    PriorityConsumingControlConfig,
    TaskOptions,
    boost,
    fct,
)

from funboost_core.errors import ConfigError

WAIT = 50


def test_control_exceptions_have_their_documented_effects(environment, calls):
    @boost(BoosterParams(queue_name="q", max_retry_times=2, concurrent_num=1), environment=environment)
    def f(how):
        calls.add(how)
        if how == "retry":
            raise ExceptionForRetry
        if how == "requeue" and calls.seen.count((how,)) < 3:
            raise ExceptionForRequeue
        if how == "dead":
            raise ExceptionForPushToDlxqueue("no good")

    for how in ("retry", "requeue", "dead", "last"):
        f.push(how)
    f.consume()
    seen = [how for (how,) in calls.wait(3 + 3 + 1 + 1)]
    assert {how: seen.count(how) for how in seen} == {"retry": 3, "requeue": 3, "dead": 1, "last": 1}
    dead = boost(BoosterParams(queue_name="q_dlx"), environment=environment)(lambda how: calls.add(fct.full_msg))
    dead.consume()
    extra = calls.wait(9)[-1][0]["extra"]["dead_letter"]
    assert (extra["queue"], extra["error"]) == ("q", "DeadLetterTask: no good")


@pytest.mark.parametrize("keyword", ["priority_control_config", "task_options", "options"])
def test_controls_of_one_message_under_all_keywords(keyword, environment, calls):
    @boost(BoosterParams(queue_name="q", max_retry_times=5, concurrent_num=1), environment=environment)
    def f(x):
        calls.add(x)
        raise ValueError(x)

    assert TaskOptions is PriorityConsumingControlConfig
    f.publish({"x": 1}, None, **{keyword: TaskOptions(max_retry_times=0)})
    f.publish({"x": 2}, **{keyword: TaskOptions(max_retry_times=1)})
    f.push(3)
    f.consume()
    assert calls.wait(9) == [(1,), (2,), (2,), *[(3,)] * 6]
    with pytest.raises(ConfigError, match="mean the same"):
        f.publish({"x": 1}, priority_control_config=TaskOptions(), task_options=TaskOptions())


@pytest.mark.parametrize(
    "extra",
    [
        {"msg_expire_senconds": 10, "publish_time": 1, "task_id": "t", "publish_time_format": "1970-01-01 08:00:01"},
        {"msg_expire_senconds": 10, "publish_time": 1},
        {"msg_expire_senconds": 10, "publish_time": 1, "task_id": "t"},
        {"msg_expire_seconds": 10, "publish_time": 1},
    ],
)
def test_what_other_programs_write_into_extra_is_understood(extra, environment, calls):
    @boost(BoosterParams(queue_name="q", concurrent_num=1), environment=environment)
    def f(x):
        calls.add(x)

    f.send_msg(json.dumps({"x": 1, "extra": extra}))
    f.publish({"x": 2, "extra": extra})
    f.push(3)
    f.consume()
    assert calls.wait(1) == [(3,)]


def test_the_other_spelling_is_translated_where_a_message_is_published(environment, calls):
    @boost(BoosterParams(queue_name="q"), environment=environment)
    def f(x):
        calls.add(fct.full_msg["extra"])

    f.publish({"x": 1, "extra": {"task_id": 7, "msg_expire_senconds": 1000}})
    f.consume()
    extra = calls.wait(1)[0][0]
    assert (extra["task_id"], extra["msg_expire_seconds"]) == (7, 1000)
    assert "msg_expire_senconds" not in extra


def test_a_decorator_of_the_consuming_function_under_its_documented_name(environment, calls):
    def doubling(function):
        @functools.wraps(function)
        def wrapped(x):
            return function(2 * x)

        return wrapped

    @boost(BoosterParams(queue_name="q", consumin_function_decorator=doubling), environment=environment)
    def f(x):
        calls.add(x)

    f.push(4)
    f.consume()
    assert calls.wait(1) == [(8,)]
    assert f(4) is None
    assert calls.seen[-1] == (4,)


# -- results ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "mode", [ConcurrentModeEnum.THREADING, ConcurrentModeEnum.SINGLE_THREAD, ConcurrentModeEnum.ASYNC]
)
def test_results_in_every_mode_of_this_distribution(mode, environment, calls):
    params = BoosterParams(
        queue_name="q",
        concurrent_mode=mode,
        is_using_rpc_mode=True,
        user_custom_record_process_info_func=lambda status: calls.add(status),
    )
    if mode == ConcurrentModeEnum.ASYNC:

        async def add(x, y):
            return x + y
    else:

        def add(x, y):
            return x + y

    f = boost(params, environment=environment)(add)
    f.consume()
    result = f.push(1, y=2)
    assert isinstance(result, AsyncResult)
    assert result.set_timeout(WAIT).result == result.get() == 3
    status = calls.wait(1)[0][0]
    assert isinstance(status, FunctionResultStatus)
    assert (status.success, status.result, status.params, status.function) == (True, 3, {"x": 1, "y": 2}, "add")

    async def main():
        answer = await f.aio_push(2, y=3)
        assert isinstance(answer, AioAsyncResult)
        other = await f.aio_publish({"x": 3, "y": 4}, task_options=TaskOptions(max_retry_times=0))
        return await answer.result, await other.get()

    assert asyncio.run(main()) == (5, 7)
