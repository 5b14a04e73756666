"""Waiting for results: the documented errors, the error chain of a workflow, callbacks."""

from __future__ import annotations

import asyncio
import json
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from funboost import (
    AioAsyncResult,
    AsyncResult,
    BoosterParams,
    FunboostRpcResultError,
    FunboostWaitRpcResultTimeout,
    FunctionResultStatus,
    HasNotAsyncResult,
    boost,
)

WAIT = 40

# SPEC section 10.1: what the documented status dict holds
KEYS = """_id exception exception_msg exception_type function host_name host_process insert_minutes insert_time
insert_time_str msg_dict params params_str process_id publish_time publish_time_str queue_name result
rpc_chain_error_msg_dict rpc_result_expire_seconds run_status run_times script_name script_name_long success task_id
thread_id time_cost time_end time_start total_thread utime""".split()


@pytest.fixture
def failing(environment):
    @boost(BoosterParams(queue_name="failing", is_using_rpc_mode=True, max_retry_times=0), environment=environment)
    def failing(x):
        raise KeyError(x)

    failing.consume()
    return failing


def test_nothing_in_time(environment):
    result = AsyncResult("nobody", timeout=0.01, environment=environment)
    with pytest.raises(HasNotAsyncResult, match=r"No result of task nobody arrived within 0\.01 seconds"):
        result.get()
    with pytest.raises(HasNotAsyncResult):
        result.result
    with pytest.raises(FunboostWaitRpcResultTimeout):
        result.wait_rpc_data_or_raise()
    assert (result.status_and_result, result.rpc_data, result.is_pending()) == (None, None, True)

    async def main():
        answer = AioAsyncResult("nobody", timeout=0.01, environment=environment)
        assert await answer.is_pending()
        assert await answer.status_and_result is None
        assert await answer.rpc_data is None
        with pytest.raises(HasNotAsyncResult):
            await answer.result

    asyncio.run(main())


def test_a_failed_run(failing):
    result = failing.push(7).set_timeout(WAIT)
    assert (result.result, result.is_success(), result.is_pending()) == ("FUNC_RUN_ERROR", False, False)
    status = result.status_and_result
    assert type(status) is dict
    assert (status["exception"], status["exception_type"], status["run_times"]) == ("KeyError    7", "KeyError", 1)
    with pytest.raises(FunboostRpcResultError) as caught:
        result.wait_rpc_data_or_raise()
    error = {"task_id": result.task_id, "raw_error": "KeyError    7"}
    assert json.loads(str(caught.value)) == error
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    data = result.wait_rpc_data_or_raise(raise_exception=False)
    assert isinstance(data, FunctionResultStatus)
    assert data.rpc_chain_error_msg_dict == error
    assert len(AsyncResult.batch_wait_rpc_data_or_raise([result, result], raise_exception=False)) == 2


def test_the_chain_of_errors_shows_where_a_workflow_broke(failing, environment):
    ids = {}

    @boost(BoosterParams(queue_name="outer", is_using_rpc_mode=True, max_retry_times=0), environment=environment)
    def outer(x):
        inner = failing.push(x)
        ids["inner"] = inner.task_id
        return inner.set_timeout(WAIT).wait_rpc_data_or_raise(raise_exception=True).result

    outer.consume()

    async def main():
        answer = (await outer.aio_push(1)).set_timeout(WAIT)
        with pytest.raises(FunboostRpcResultError) as caught:
            await AioAsyncResult.batch_wait_rpc_data_or_raise([answer])
        return answer.task_id, json.loads(str(caught.value))

    outer_id, error = asyncio.run(main())
    inner_error = {"task_id": ids["inner"], "raw_error": "KeyError    1"}
    assert error == {"task_id": outer_id, "raw_error": inner_error}


def test_the_status_has_the_documented_entries(failing):
    status = failing.push(1).set_timeout(WAIT).status_and_result_obj
    assert sorted(status.get_status_dict()) == sorted(KEYS)
    plain = status.get_status_dict(without_datetime_obj=True)
    assert sorted(plain) == sorted(set(KEYS) - {"insert_time", "utime"})
    assert json.loads(status.to_pretty_json_str())["task_id"] == status.task_id
    assert FunctionResultStatus.parse_status_and_result_to_obj(plain).exception_type == "KeyError"


def test_callbacks(failing, caplog):
    told, done = [], threading.Event()

    def tell(status):
        told.append((status["exception_type"], threading.current_thread().name))
        done.set()

    failing.push(1).set_timeout(WAIT).set_callback(tell)
    assert done.wait(WAIT)
    done.clear()
    with ThreadPoolExecutor(1, "mine") as executor:
        result = failing.push(2).set_timeout(WAIT)
        result.callback_run_executor = executor
        result.set_callback(tell)
        result.set_callback(lambda status: 1 / 0)
    assert [name.rpartition("_")[0] for _, name in told] == ["funboost-callback", "mine"]
    assert "The callback for the result of" in caplog.text

    async def main():
        heard = asyncio.Event()

        async def tell_here(status):
            told.append(status["exception_type"])
            heard.set()

        await (await failing.aio_push(3)).set_timeout(WAIT).set_callback(tell_here)
        await asyncio.wait_for(heard.wait(), WAIT)

    asyncio.run(main())
    assert told[-1] == "KeyError"
