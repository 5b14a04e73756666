"""The decorator in all its spellings, and what it makes of a function, over the memory broker."""

from __future__ import annotations

import asyncio
import copy
import functools
import inspect
import json
import threading

import pytest
from funboost import (
    AioAsyncResult,
    AsyncResult,
    Booster,
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
    funboost_current_task,
    get_current_taskid,
    wait_for_possible_has_finish_all_tasks_by_conusmer_list,
)
from funboost.booster import FunboostDeprecationWarning

from funboost_core.errors import ConfigError
from funboost_core.params import BoosterParams as CoreParams

WAIT = 20


class Calls:
    """What a task was called with; can be waited for."""

    def __init__(self):
        self.seen = []
        self._changed = threading.Condition()

    def add(self, *values):
        with self._changed:
            self.seen.append(values)
            self._changed.notify_all()

    def wait(self, number):
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.seen) >= number, WAIT), self.seen
        return self.seen


@pytest.fixture
def calls():
    return Calls()


# -- spellings ------------------------------------------------------------------------------------------------------


def test_the_four_spellings_are_equal(environment):
    def f(x):
        """Doubles."""
        return 2 * x

    made = [
        boost(BoosterParams(queue_name="q"), environment=environment)(f),
        boost(boost_params=BoosterParams(queue_name="q"), environment=environment)(f),
        Booster(BoosterParams(queue_name="q"), environment=environment)(f),
        BoosterParams(queue_name="q")(f),
        boost(CoreParams(queue_name="q"), environment=environment)(f),
    ]
    for booster in made:
        assert type(booster) is Booster
        assert isinstance(booster.boost_params, BoosterParams)
        assert (booster.queue_name, booster.consuming_function, booster(3)) == ("q", f, 6)
        assert (booster.__name__, booster.__doc__, booster.__wrapped__) == ("f", "Doubles.", f)
        assert booster.is_decorated_as_consume_function is True
        assert inspect.getfullargspec(booster.__wrapped__).args == ["x"]
    assert made[4].boost_params.broker_kind == BoosterParams(queue_name="q").broker_kind


@pytest.mark.parametrize("args", [("q",), ()])
def test_the_old_style_works_and_warns(args, environment):
    fields = {} if args else {"queue_name": "q"}
    for decorator in (boost, Booster):
        with pytest.warns(FunboostDeprecationWarning, match=r"@boost\('q', \.\.\.\) is the old style"):
            f = decorator(*args, qps=0.2, environment=environment, **fields)(lambda x: x)
        assert (f.queue_name, f.boost_params.qps) == ("q", 0.2)
        assert isinstance(f, Booster)


def test_what_boost_does_not_take(environment):
    with pytest.raises(ConfigError, match="Put qps into the BoosterParams of queue 'q'"):
        boost(BoosterParams(queue_name="q"), qps=3)
    with pytest.raises(ConfigError, match="takes BoosterParams, not <function"):
        boost(lambda x: x)
    with pytest.raises(ValueError, match="queue_name: Field required"):
        boost()


def test_the_params_know_the_function_and_the_original_is_not_changed(environment):
    params = BoosterParams(queue_name="q")

    def f(x):
        return x

    filled = boost(params, environment=environment)(f).boost_params
    assert (filled.consuming_function, filled.consuming_function_raw, filled.consuming_function_name) == (f, f, "f")
    file, _, line = filled.auto_generate_info["where_to_instantiate"].rpartition(":")
    assert (file, int(line)) == (__file__, f.__code__.co_firstlineno)
    assert (params.consuming_function, params.auto_generate_info) == (None, {})


def test_methods_bind_and_boosters_can_be_copied(environment):
    class Shop:
        @boost(BoosterParams(queue_name="q"), environment=environment)
        def price(self, x):
            return self, x

    shop = Shop()
    assert shop.price(3) == (shop, 3)
    assert copy.copy(Shop.price).queue_name == "q"


# -- publishing and consuming -----------------------------------------------------------------------------------------


def test_all_ways_to_publish_and_all_ways_to_start(environment, calls):
    @boost(BoosterParams(queue_name="q"), environment=environment)
    def f(x, y=0):
        calls.add(x, y)

    f.push(1, y=2)
    f.delay(2)
    f.publish({"x": 3})
    f.pub('{"x": 4}')
    f.apply_async({"x": 5}, "five")
    f.send_msg({"x": 6})
    f.publisher.push(7)
    f.publisher.delay(8)
    f.publisher.publish({"x": 9}, task_id=100005)
    f.publisher.send_msg('{"x": 10}')
    assert f.get_message_count() == f.publisher.get_message_count() == 10
    f.start()
    assert sorted(calls.wait(10)) == [(1, 2), *((x, 0) for x in range(2, 11))]


def test_the_publisher_and_consumer_sides(environment, calls):
    @boost(BoosterParams(queue_name="q", concurrent_num=1), environment=environment)
    def f(x):
        calls.add(x)

    with f.publisher as publisher:
        publisher.push(1)
        assert (publisher.queue_name, publisher.publisher_params) == ("q", f.boost_params)
        publisher.clear()
        assert publisher.get_message_count() == 0
    consumer = f.consumer
    assert (consumer.queue_name, consumer.consuming_function) == ("q", f.consuming_function)
    assert consumer.consumer_params is f.boost_params
    consumer.publisher_of_same_queue.publish({"x": 2})
    consumer.start_consuming_message()
    assert calls.wait(1) == [(2,)]
    assert consumer.logger.name == consumer.publisher_of_same_queue.logger.name == "funboost.q"


def test_clear_queue_and_pause(environment, calls):
    @boost(BoosterParams(queue_name="q"), environment=environment)
    def f(x):
        calls.add(x)

    f.push(1)
    f.clear_queue()
    assert f.get_message_count() == 0
    f.consume()
    f.pause()
    f.push(2)
    assert f.get_message_count() == 1
    f.continue_consume()
    assert calls.wait(1) == [(2,)]


def test_waiting_until_everything_is_done(environment, calls):
    boosters = []
    for name in ("a", "b"):
        booster = boost(BoosterParams(queue_name=name), environment=environment)(lambda x: calls.add(x))
        boosters.append(booster)
        booster.push(name)
        booster.consume()
    wait_for_possible_has_finish_all_tasks_by_conusmer_list([b.consumer for b in boosters], minutes=0.002)
    assert sorted(calls.seen) == [("a",), ("b",)]
    with pytest.raises(ValueError, match="minutes must be more than 0"):
        wait_for_possible_has_finish_all_tasks_by_conusmer_list(boosters, minutes=0)


def test_fct_and_its_function_form(environment, calls):
    @boost(BoosterParams(queue_name="q"), environment=environment)
    def f(x):
        calls.add(fct.task_id, get_current_taskid(), fct.function_params, fct.full_msg["extra"]["task_id"])

    assert funboost_current_task() is fct
    assert get_current_taskid() == "no_task_id"
    with pytest.raises(LookupError):
        fct.task_id  # noqa: B018
    f.publish({"x": 1}, task_id="mine")
    f.consume()
    assert calls.wait(1) == [("mine", "mine", {"x": 1}, "mine")]


# -- controls ---------------------------------------------------------------------------------------------------------


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
    @boost(BoosterParams(queue_name="q", max_retry_times=5), environment=environment)
    def f(x):
        calls.add(x)
        raise ValueError(x)

    assert TaskOptions is PriorityConsumingControlConfig
    f.publish({"x": 1}, None, **{keyword: TaskOptions(max_retry_times=0)})
    f.publish({"x": 2}, **{keyword: TaskOptions(max_retry_times=1)})
    f.consume()
    f.wait_for_possible_has_finish_all_tasks(0.002)
    assert sorted(calls.seen) == [(1,), (2,), (2,)]
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
