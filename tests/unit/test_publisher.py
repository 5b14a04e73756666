"""publisher: arguments become a message, controls reach the broker, refusals reach the caller."""

from __future__ import annotations

import asyncio
import json
import sys
import threading

import pytest
from support import traced
from support.program import add

from funboost_core import AioAsyncResult, AsyncResult, BoosterParams, TaskOptions, hookimpl
from funboost_core.consuming.attempts import Attempt
from funboost_core.consuming.interrupting import ThreadInterrupter, thrower
from funboost_core.errors import (
    BrokerUnavailable,
    CapabilityMissing,
    NotSerializable,
    PublishError,
    RunInterrupted,
    SignatureError,
)
from funboost_core.ports.broker import Delivery
from funboost_core.publishing.publisher import Publisher, _Stamp
from funboost_core.task import Task


def sent(program, queue="q"):
    return [json.loads(body) for body in program.server.bodies(queue)]


def test_push_is_the_call_by_name_with_an_id_and_times(program):
    result = program.booster().push(1, y=2)
    (message,) = sent(program)
    extra = message.pop("extra")
    assert message == {"x": 1, "y": 2}
    assert extra == {
        "task_id": result.task_id,
        "publish_time": program.clock.time(),
        "publish_time_format": "2023-11-14 22:13:20",
    }
    assert isinstance(result, AsyncResult)
    assert result.task_id.startswith("q_result:")


def test_the_callers_arguments_are_left_alone(program):
    kwargs = {"x": 1}
    program.booster().push(**kwargs)
    program.booster().publisher.push((), kwargs)
    message = {"x": 1, "extra": {"tenant": "blue"}}
    program.booster().publish(message)
    calls = [{"x": 1}]
    program.booster().push_many(calls)
    assert (message, calls) == ({"x": 1, "extra": {"tenant": "blue"}}, [{"x": 1}])


def test_the_time_is_written_in_the_zone_that_is_set(make_program):
    program = make_program(TIMEZONE="Asia/Shanghai")
    program.booster().push(1)
    program.clock.advance(1)
    program.booster().push(1)
    stamps = [message["extra"]["publish_time_format"] for message in sent(program)]
    assert stamps == ["2023-11-15 06:13:20", "2023-11-15 06:13:21"]


def test_the_function_can_still_be_called(program):
    booster = program.booster()
    assert booster(1, y=2) == 3
    assert booster.__name__ == "add"
    assert booster.__wrapped__ is add
    assert sent(program) == []


@pytest.mark.parametrize("how", ["push", "publish", "push_many"])
def test_arguments_that_do_not_fit_are_the_callers_error(program, how):
    booster = program.booster()
    call = {
        "push": lambda: booster.push(1, z=2),
        "publish": lambda: booster.publish({"x": 1, "z": 2}),
        "push_many": lambda: booster.push_many([{"x": 1}, {"x": 1, "z": 2}]),
    }[how]
    with pytest.raises(SignatureError, match="unknown: z"):
        call()
    assert sent(program) == []


def test_checking_can_be_switched_off(program):
    booster = program.booster(should_check_publish_func_params=False)
    booster.push(z=1)
    booster.publish({"z": 1})
    assert [message["z"] for message in sent(program)] == [1, 1]


def test_arguments_that_json_cannot_carry_are_named(program):
    with pytest.raises(NotSerializable, match="'x' of queue 'q' is a generator .*cannot pickle"):
        program.booster().push(_ for _ in "")
    program.booster(broker_kind="OBJECTS").push({1})
    assert program.server.bodies("q")[0]["x"] == {1}


def test_many_at_once_are_one_batch(program):
    booster = program.booster()
    results = booster.push_many([{"x": number} for number in range(5)])
    assert [message["x"] for message in sent(program)] == list(range(5))
    assert [message["extra"]["task_id"] for message in sent(program)] == [result.task_id for result in results]
    assert len({result.task_id for result in results}) == 5


@pytest.mark.parametrize("form", [lambda m: m, json.dumps, lambda m: json.dumps(m).encode()])
def test_publish_takes_a_dict_or_its_text_and_an_extra_of_the_callers_wins(program, form):
    result = program.booster().publish(form({"x": 1, "extra": {"task_id": "mine", "tenant": "blue"}}), task_id="other")
    (message,) = sent(program)
    assert message["x"] == 1
    assert message["extra"]["task_id"] == result.task_id == "mine"
    assert message["extra"]["tenant"] == "blue"
    assert message["extra"]["publish_time"]


@pytest.mark.parametrize("task_id", [0, 7, "", "mine"])
def test_ids_of_the_callers_own(program, task_id):
    assert program.booster().publish({"x": 1}, task_id=task_id).task_id == task_id
    assert sent(program)[0]["extra"]["task_id"] == task_id


def test_options_travel_in_the_extra_and_to_the_broker(program):
    booster = program.booster()
    booster.publish({"x": 1}, options=TaskOptions(countdown=60, priority=7, max_retry_times=0))
    (outgoing,) = program.server.brokers[0].sent
    assert (outgoing.due, outgoing.priority) == (program.clock.time() + 60, 7)
    extra = sent(program)[0]["extra"]
    assert (extra["countdown"], extra["priority"], extra["max_retry_times"]) == (60, 7, 0)


def test_without_delay_of_its_own_the_broker_is_told_nothing_about_time(program):
    program.booster(broker_kind="BARE").publish({"x": 1}, options=TaskOptions(countdown=60))
    assert program.server.brokers[0].sent[0].due is None


def test_a_priority_is_refused_where_there_are_none(program):
    with pytest.raises(CapabilityMissing, match="priority"):
        program.booster(broker_kind="BARE").publish({"x": 1}, options=TaskOptions(priority=1))


@pytest.mark.parametrize(
    ("task", "message", "expected"),
    [(False, None, False), (True, None, True), (True, False, False), (False, True, True)],
)
def test_whether_a_reply_comes_is_decided_by_task_and_message(program, task, message, expected):
    booster = program.booster(is_using_rpc_mode=task)
    result = booster.publish({"x": 1}, options=TaskOptions(is_using_rpc_mode=message))
    assert result._rpc is expected


def test_raw_messages_are_sent_as_they_are(program):
    booster = program.booster()
    booster.send_msg(b"\xff")
    booster.send_msg("é")
    booster.send_msg({"any": "é"})
    assert program.server.bodies("q") == [b"\xff", "é".encode(), '{"any":"é"}'.encode()]


@pytest.mark.parametrize("error", [ConnectionError("away"), BrokerUnavailable(kind="TINY", error="away")])
def test_a_refusal_is_the_callers_error_and_told_to_hooks(program, error):
    failed, published = [], []

    class Plugin:
        @hookimpl
        def funboost_publish_failed(self, message, task, error):
            failed.append((message.arguments, task.queue_name, error))

        @hookimpl
        def funboost_after_publish(self, message):
            published.append(message)

    booster = program.booster(hooks=[Plugin()])
    program.server.failing["publish"] = [error]
    with pytest.raises((PublishError, BrokerUnavailable), match="away"):
        booster.push(1)
    assert failed[0][:2] == ({"x": 1}, "q")
    assert published == []
    booster.push(1)
    assert len(published) == 1


def test_hooks_may_change_a_message_before_it_goes(program):
    class Plugin:
        @hookimpl
        def funboost_before_publish(self, message):
            message.arguments["y"] = 9
            message.extra["priority"] = 3

    program.booster(hooks=[Plugin()]).push(1)
    assert sent(program)[0]["y"] == 9
    assert program.server.brokers[0].sent[0].priority == 3


def test_without_its_function_a_queue_takes_dicts_only(program):
    publisher = Publisher(Task(BoosterParams(queue_name="q"), None, program.environment))
    with pytest.raises(SignatureError, match="its function is not known here; use publish with a dict"):
        publisher.push((1,), {})
    publisher.publish({"anything": 1})
    assert sent(program)[0]["anything"] == 1


def test_a_broker_that_only_consumes_refuses_to_publish(program):
    booster = program.booster(broker_kind="MUTE")
    with pytest.raises(CapabilityMissing, match="MUTE.*push.*only consumes"):
        booster.push(1)


def test_counting_and_clearing(program):
    booster = program.booster()
    booster.push_many([{"x": 1}] * 3)
    assert booster.get_message_count() == 3
    booster.clear()
    assert booster.get_message_count() == 0
    bare = program.booster(broker_kind="BARE")
    assert bare.get_message_count() == -1
    with pytest.raises(CapabilityMissing, match="clear"):
        bare.clear()


def test_the_namespace_is_in_front_of_the_queue_and_not_in_the_id(make_program):
    program = make_program(NAMESPACE="staging")
    result = program.booster().push(1)
    assert len(program.server.bodies("staging.q")) == 1
    assert result.task_id.startswith("q_result:")


def test_publishing_from_coroutines(program):
    booster = program.booster()

    async def publish():
        return await booster.aio_push(1, y=2), await booster.aio_publish({"x": 3}, task_id="mine")

    one, two = asyncio.run(publish())
    assert isinstance(one, AioAsyncResult)
    assert (one.task_id, two.task_id) == (sent(program)[0]["extra"]["task_id"], "mine")


def test_one_connection_serves_all_and_is_made_when_needed(program):
    booster = program.booster()
    assert program.server.brokers == []
    booster.push(1)
    booster.push(2)
    assert len(program.server.brokers) == 1


@pytest.mark.parametrize("known", [False, True], ids=["new second", "same second"])
def test_each_thread_gets_the_text_of_its_own_second(known):
    """Another thread publishes in another second, wherever this one stands still."""
    right = {60.0: "1970-01-01 00:01:00", 3600.0: "1970-01-01 01:00:00"}
    code, step, steps, before = _Stamp.__call__.__code__, 0, 1, sys.gettrace()
    traced.prepare()
    while step < steps:
        stamp, steps = _Stamp("UTC"), 0
        if known:
            stamp(60.0)

        def trace(frame, event, argument, stamp=stamp, step=step):
            nonlocal steps
            if frame.f_code is not code:
                return None
            frame.f_trace_opcodes = True  # Python 3.12 tells of lines all the same
            if event in ("opcode", "line"):
                if steps == step:
                    assert stamp(3600.0) == right[3600.0]
                steps += 1
            return trace

        sys.settrace(trace)
        try:
            texts = {60.0: stamp(60.0)}
        finally:
            sys.settrace(before)
        texts[3600.0] = stamp(3600.0)
        assert texts == right
        step += 1
    assert step > 2


@pytest.mark.parametrize("method", ["open", "publish", "count", "purge", "close", "renew"])
@pytest.mark.skipif(thrower() is None, reason="this interpreter throws nothing into threads")
def test_a_run_is_not_interrupted_within_a_call_of_the_broker(make_program, monkeypatch, method):
    """Half a message on a connection, or its lock held, would harm all who publish after it; so would a claim alone."""
    attempt, steps = Attempt(Delivery(b""), ThreadInterrupter(thrower())), []
    program = make_program(STATE_URL="memory://")
    booster = program.booster(unique="while_queued")
    calls = {"count": booster.get_message_count, "purge": booster.clear, "close": booster.close}
    call = calls.get(method, lambda: booster.push(1))
    kind = type(program.environment.state.filter if method == "renew" else booster.task.make_broker())
    original = getattr(kind, method)
    if method != "open":
        booster.publisher

    def slowly(self, *args):
        steps.append("begin")
        thread = threading.Thread(target=attempt.interrupt, args=(TimeoutError(),))
        thread.start()
        thread.join()
        try:
            return original(self, *args)
        finally:
            steps.append("end")

    monkeypatch.setattr(kind, method, slowly)  # `renew` confirms a claim when the message is out
    attempt.interrupter.enter()
    try:
        with pytest.raises(RunInterrupted):
            call()
    finally:
        assert isinstance(attempt.end(), TimeoutError)
        attempt.interrupter.leave()
    assert steps == ["begin", "end"]
