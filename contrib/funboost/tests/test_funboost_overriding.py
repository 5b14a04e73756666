"""Overriding single methods of a queue whose broker is installed: each is bound to its seam, and only those are."""

from __future__ import annotations

import inspect
import json
import typing

import pytest
from funboost import (
    AbstractConsumer,
    BoosterParams,
    ExceptionForRequeue,
    FunctionResultStatus,
    boost,
    fct,
)

from funboost_core import redrive

WAIT = 40
KINDS = ["MEMORY_QUEUE", "SQLITE_QUEUE"]
MODES = ["threading", "single_thread", "async"]
kind = pytest.mark.parametrize("kind", KINDS)
mode = pytest.mark.parametrize("mode", MODES)


# -- converting -----------------------------------------------------------------------------------------------------------


class AnyText(AbstractConsumer):
    def _user_convert_msg_before_run(self, msg) -> typing.Union[dict, str]:
        new_msg = {}
        for item in msg.split(","):
            key, value = item.split("=")
            new_msg[key] = int(value)
        self.logger.debug(f"{msg} -> {new_msg}")  # noqa: G004  as documented
        return new_msg


class UserId(AbstractConsumer):
    def _user_convert_msg_before_run(self, msg):
        return json.dumps({"user_id": int(msg)})


class TooManyKeys:  # the documentation: it need not inherit anything
    def _user_convert_msg_before_run(self, msg):
        return {"my_msg": json.loads(msg)}


@mode
@kind
def test_text_of_any_form(kind, mode, declare, calls):
    f = declare(lambda a, b: calls.add(a, b, fct.full_msg["extra"]["is_auto_fill_extra"]), AnyText, None, mode,
                broker_kind=kind)  # fmt: skip
    f.send_msg("a=1,b=2")
    f.publisher.send_msg("a=3,b=4")
    f.consume()
    assert sorted(calls.wait(2)) == [(1, 2, True), (3, 4, True)]


@kind
def test_bare_numbers_and_whole_messages(kind, declare, calls):
    f = declare(lambda user_id: calls.add(user_id), UserId, broker_kind=kind)
    f.send_msg("1000123")
    f.consume()
    assert calls.wait(1) == [(1000123,)]


@kind
def test_a_plain_class_and_a_message_in_one_argument(kind, declare, calls):
    f = declare(lambda my_msg: calls.add(my_msg), TooManyKeys, broker_kind=kind, should_check_publish_func_params=False)
    f.send_msg('{"a": 1, "b": 2}')
    f.push(my_msg=7)  # what the method gets is the text of the message
    f.consume()
    first, second = sorted((message for (message,) in calls.wait(2)), key=len)
    assert {"a": 1, "b": 2} in (first, second)
    assert 7 in (first.get("my_msg"), second.get("my_msg"))


@mode
@kind
def test_any_json_object_for_kwargs(kind, mode, declare, calls):
    def f(**kwargs):
        calls.add(kwargs, fct.full_msg["extra"]["task_id"][:1])

    if mode == "async":
        f.__signature__ = inspect.signature(f)
    task = declare(f, None, None, mode, broker_kind=kind, should_check_publish_func_params=False)
    task.publish({"x": 1, "x5": {"k": [1]}})
    task.publisher.send_msg({"y1": 2})
    task.send_msg(json.dumps({"m": 666, "n": 777}))
    task.consume()
    seen = sorted((kwargs for kwargs, _ in calls.wait(3)), key=str)
    assert seen == [{"m": 666, "n": 777}, {"x": 1, "x5": {"k": [1]}}, {"y1": 2}]


@kind
def test_what_comes_back_is_not_converted_again(kind, declare, environment, calls):
    def f(a, b):
        calls.add(a, b)
        if len(calls.seen) == 1:
            raise ExceptionForRequeue
        if len(calls.seen) < 4:
            raise ValueError("again, and in the end a dead letter")

    task = declare(f, AnyText, broker_kind=kind, max_retry_times=1, retry_interval=0.05,
                   is_push_to_dlx_queue_when_retry_max_times=True)  # fmt: skip
    task.send_msg("a=1,b=2")
    task.consume()
    calls.wait(3)
    environment.worker.stop()
    assert redrive("q", environment=environment) == 1
    task.consume()
    assert calls.wait(4) == [(1, 2)] * 4


def test_what_cannot_be_converted_is_a_dead_letter_and_bytes_stay_bytes(declare, environment, calls):
    class Odd(AbstractConsumer):
        def _user_convert_msg_before_run(self, msg):
            calls.add(msg)
            return {b"\xff": {"x": 1}, "none": None}.get(msg, "[1]")

    f = declare(lambda x: calls.add(x), Odd)
    for body in (b"\xff", "none", "list"):
        f.send_msg(body)
    f.consume()
    assert sorted(map(str, (value for (value,) in calls.wait(4)))) == ["1", "b'\\xff'", "list", "none"]
    environment.worker.stop()
    assert environment.worker.stop()
    assert redrive("q", environment=environment) == 2


# -- running ---------------------------------------------------------------------------------------------------------------


@mode
@kind
def test_the_whole_run(kind, mode, declare, calls):
    class Whole(AbstractConsumer):
        def _run(self, kw):
            calls.add("before", kw["body"]["x"], kw["body"]["extra"]["task_id"], kw["function_only_params"])
            try:
                return super()._run(kw) + 1
            finally:
                calls.add("after")

        async def _async_run(self, kw):
            calls.add("before", kw["body"]["x"], kw["body"]["extra"]["task_id"], kw["function_only_params"])
            try:
                return await super()._async_run(kw) + 1
            finally:
                calls.add("after")

    task = declare(lambda x: 10 * x, Whole, None, mode, broker_kind=kind, is_using_rpc_mode=True)
    task.consume()
    assert task.publish({"x": 4}, task_id="t").set_timeout(WAIT).result == 41
    assert calls.seen == [("before", 4, "t", {"x": 4}), ("after",)]


def test_a_run_may_do_without_the_function_and_acknowledge_itself(declare, environment, calls):
    class Alone(AbstractConsumer):
        def _run(self, kw):
            calls.add(self.consuming_function(**kw["function_only_params"]))
            self._confirm_consume(kw)

        def _confirm_consume(self, kw):
            calls.add("confirmed")
            super()._confirm_consume(kw)

    f = declare(lambda x: 2 * x, Alone)
    f.push(4)
    f.consume()
    assert calls.wait(3) == [(8,), ("confirmed",), ("confirmed",)]
    environment.worker.stop()
    assert f.get_message_count() == 0


def test_a_run_that_raises_is_judged_as_ever(declare, calls):
    class Failing(AbstractConsumer):
        def _run(self, kw):
            calls.add(kw["body"]["x"])
            raise ValueError

    f = declare(lambda x: x, Failing, max_retry_times=2, concurrent_num=1)
    f.push(1)
    f.push(2)
    f.consume()
    assert calls.wait(6) == [(1,)] * 3 + [(2,)] * 3


# -- recording -------------------------------------------------------------------------------------------------------------


@mode
@kind
def test_recording_success_and_failure(kind, mode, declare, calls):
    class MyConsumer(AbstractConsumer):
        def user_custom_record_process_info_func(self, current_function_result_status: FunctionResultStatus):
            status = current_function_result_status
            assert status.get_status_dict()["run_status"] == "finish"
            calls.add(status.params["x"], status.success, status.result, status.exception_type)

    def f(x):
        if x:
            raise ValueError(x)
        return "fine"

    told = []
    fields = {"max_retry_times": 2, "user_custom_record_process_info_func": told.append}
    task = declare(f, MyConsumer, None, mode, broker_kind=kind, **fields)
    task.push(0)
    task.push(1)
    task.consume()
    assert sorted(calls.wait(2)) == [(0, True, "fine", None), (1, False, "FUNC_RUN_ERROR", "ValueError")]
    assert len(told) == 2


def test_recording_on_the_event_loop(declare, environment, calls):
    class MyConsumer(AbstractConsumer):
        async def aio_user_custom_record_process_info_func(self, current_function_result_status):
            import asyncio

            await asyncio.sleep(0)
            calls.add(current_function_result_status.params["x"], asyncio.get_running_loop())

    async def f(x):
        import asyncio

        calls.add(-1, asyncio.get_running_loop())

    params = BoosterParams(queue_name="q", concurrent_mode="async", consumer_override_cls=MyConsumer)
    task = boost(params, environment=environment)(f)
    task.push(5)
    task.consume()
    (first, loop), (second, other) = calls.wait(2)
    assert (first, second) == (-1, 5)
    assert loop is other
