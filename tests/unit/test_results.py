"""results: waiting for what a task returned, falsy results included, with and without asyncio."""

from __future__ import annotations

import asyncio
import json

import pytest

from funboost_core import AioAsyncResult, AsyncResult, ResultError, ResultTimeout
from funboost_core.errors import TaskFailed
from funboost_core.native import Event, Thread

PATIENCE = 10


def status(result=None, success=True, task_id="t", exception=None):
    return {
        "task_id": task_id,
        "result": result,
        "success": success,
        "run_status": "finish",
        "exception": exception,
        "exception_msg": exception and exception.partition("    ")[2],
    }


@pytest.fixture
def replies(program):
    return program.environment.state.replies


def put(replies, task_id="t", **values):
    replies.put(task_id, json.dumps(status(task_id=task_id, **values)).encode(), 600)


def result_of(program, task_id="t", timeout=120.0, rpc=True):
    return AsyncResult(task_id, timeout, program.environment, rpc)


def aio_result_of(program, task_id="t", timeout=120.0, rpc=True):
    return AioAsyncResult(task_id, timeout, program.environment, rpc)


VALUES = [None, 0, False, "", [], {}, 7, "text", [1, {"a": None}], 2**70]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_every_result_comes_back_falsy_ones_too(program, replies, value):
    put(replies, result=value)
    result = result_of(program)
    assert result.result == value
    assert result.get() == value
    assert result.is_pending() is False
    assert result.is_success() is True
    assert result.status_and_result["result"] == value
    assert result.status_and_result_obj.result == value
    assert result.rpc_data.success is True
    assert result.wait_rpc_data_or_raise().result == value
    assert len(replies.asked) == 1  # the answer is kept


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_the_same_for_coroutines(program, replies, value):
    put(replies, result=value)

    async def ask():
        result = aio_result_of(program)
        assert await result.result == value
        assert await result.get() == value
        assert await result.is_pending() is False
        assert await result.is_success() is True
        assert (await result.status_and_result)["result"] == value
        assert (await result.status_and_result_obj).result == value
        assert (await result.rpc_data).success is True
        assert (await result.wait_rpc_data_or_raise()).result == value

    asyncio.run(ask())


def test_a_result_is_waited_for(program, replies):
    answers = []
    thread = Thread(target=lambda: answers.append(result_of(program).result), daemon=True)
    thread.start()
    program.clock.until_waiting(1)
    put(replies, result=5)
    thread.join(PATIENCE)
    assert answers == [5]


def test_the_time_out_is_an_error_that_says_what_to_look_for(program, replies):
    raised = []

    def ask():
        try:
            result_of(program, timeout=3).get()
        except ResultTimeout as error:
            raised.append(error)

    thread = Thread(target=ask, daemon=True)
    thread.start()
    program.clock.until_waiting(1)
    program.clock.advance(3)
    thread.join(PATIENCE)
    assert isinstance(raised[0], TimeoutError)
    assert "No result of task t arrived within 3 seconds" in str(raised[0])
    assert "is_using_rpc_mode=True" in str(raised[0])
    assert replies.asked == [("t", 3)]


def test_no_time_to_wait(program):
    result = result_of(program).set_timeout(0)
    assert result.is_pending() is True
    assert result.status_and_result is None
    assert result.status_and_result_obj is None
    for ask in (result.get, result.is_success, result.wait_rpc_data_or_raise):
        with pytest.raises(ResultTimeout):
            ask()

    async def ask_again():
        result = aio_result_of(program).set_timeout(0)
        assert await result.is_pending() is True
        assert await result.status_and_result is None
        assert await result.rpc_data is None
        with pytest.raises(ResultTimeout):
            await result.get()

    asyncio.run(ask_again())


def test_without_rpc_there_is_nothing_to_wait_for_and_that_is_said_at_once(program, replies):
    result = result_of(program, rpc=False)
    for ask in (result.get, result.is_pending, result.is_success, result.wait_rpc_data_or_raise):
        with pytest.raises(ResultError, match="Task t sends no result back. Set is_using_rpc_mode=True"):
            ask()
    with pytest.raises(ResultError):
        asyncio.run(aio_result_of(program, rpc=False).get())
    assert replies.asked == []


def test_a_failed_run(program, replies):
    put(replies, result="FUNC_RUN_ERROR", success=False, exception="ValueError    no")
    result = result_of(program)
    assert result.result == "FUNC_RUN_ERROR"
    assert result.is_success() is False
    with pytest.raises(TaskFailed) as caught:
        result.wait_rpc_data_or_raise()
    assert json.loads(str(caught.value)) == {"task_id": "t", "raw_error": "ValueError    no"}
    quiet = result.wait_rpc_data_or_raise(raise_exception=False)
    assert quiet.success is False
    assert quiet.rpc_chain_error_msg_dict == {"task_id": "t", "raw_error": "ValueError    no"}
    with pytest.raises(TaskFailed):
        asyncio.run(aio_result_of(program).wait_rpc_data_or_raise())


def test_many_at_once(program, replies):
    for number in range(5):
        put(replies, f"t{number}", result=number)
    results = [result_of(program, f"t{number}") for number in range(5)]
    assert [one.result for one in AsyncResult.batch_wait_rpc_data_or_raise(results)] == [0, 1, 2, 3, 4]

    async def ask():
        results = [aio_result_of(program, f"t{number}") for number in range(5)]
        return await AioAsyncResult.batch_wait_rpc_data_or_raise(results)

    assert [one.result for one in asyncio.run(ask())] == [0, 1, 2, 3, 4]


def test_ids_that_are_no_text_are_looked_up_as_text(program, replies):
    put(replies, "7", result=1)
    assert result_of(program, 7).result == 1


def test_callbacks_get_the_status_and_their_errors_are_logged(program, replies, caplog):
    from concurrent.futures import ThreadPoolExecutor

    told, failed = [], Event()
    put(replies, result=5)
    result = result_of(program)

    def fail(status):
        raise RuntimeError("in the callback")

    with ThreadPoolExecutor(1) as executor:
        result.callback_run_executor = executor
        result.set_callback(told.append)
        result.set_callback(fail)
        executor.submit(failed.set)
        assert failed.wait(PATIENCE)
    assert told[0]["result"] == 5
    assert "The callback for the result of t failed" in caplog.text


def test_callbacks_of_coroutines(program, replies, caplog):
    put(replies, result=5)

    async def ask():
        told, both = [], asyncio.Event()

        async def good(status):
            told.append(status["result"])

        async def bad(status):
            both.set()
            raise RuntimeError("in the callback")

        await aio_result_of(program).set_callback(good)
        await aio_result_of(program).set_callback(bad)
        await asyncio.wait_for(both.wait(), PATIENCE)
        while not told:
            await asyncio.sleep(0)
        return told

    assert asyncio.run(ask()) == [5]
    assert "failed" in caplog.text


def test_the_repr_names_the_task(program):
    assert repr(result_of(program, "q:1")) == "AsyncResult('q:1')"
    assert repr(aio_result_of(program, "q:1")) == "AioAsyncResult('q:1')"
