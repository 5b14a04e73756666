"""The documented programs about records, the running task and living consumers (chapters 4.6.7, 4.11, 4.14, 4.19, 4b.1)."""

from __future__ import annotations

import json
import logging
import os
import threading
import time

import pytest
from funboost import (
    AbstractConsumer,
    ActiveCousumerProcessInfoGetter,
    BoosterParams,
    ExceptionForRequeue,
    FunctionResultStatus,
    FunctionResultStatusPersistanceConfig,
    ResultFromMongo,
    boost,
    fct,
    funboost_current_task,
    get_current_taskid,
)
from funboost.core.current_task import FctContextThread
from funboost.core.task_id_logger import TaskIdLogger

WAIT = 50


def until(condition):
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError("it did not come true")


def boosted(function, environment, **fields):
    return boost(BoosterParams(**{"queue_name": "q", **fields}), environment=environment)(function)


# -- 4.11 and 4.6.7: what is kept, and how it is read ------------------------------------------------------------------


def kept(environment, value=21, **conf):
    task = boosted(
        lambda x: {"twice": x * 2} if x else None,
        environment,
        function_result_status_persistance_conf=FunctionResultStatusPersistanceConfig(**conf),
    )
    result = task.push(value)
    task.consume()
    until(lambda: ResultFromMongo(result.task_id, environment).get_status_and_result() != "no_result")
    return ResultFromMongo(result.task_id, environment)


DOCUMENTED = """_id exception exception_msg exception_type function host_name host_process insert_minutes insert_time_str
msg_dict params params_str process_id publish_time publish_time_str queue_name result rpc_chain_error_msg_dict
rpc_result_expire_seconds run_status run_times script_name script_name_long success task_id thread_id time_cost time_end
time_start total_thread""".split()


@pytest.mark.parametrize("bulk", [False, True])
def test_status_and_result_are_kept_with_the_documented_fields(environment, bulk):
    found = kept(environment, is_save_status=True, is_save_result=True, expire_seconds=500000, is_use_bulk_insert=bulk)
    record = found.get_status_and_result()
    assert set(DOCUMENTED) <= record.keys()
    assert (record["_id"], record["queue_name"]) == (found.task_id, "q")
    assert (record["run_status"], record["success"], record["run_times"]) == ("finish", True, 1)
    assert record["exception"] == record["exception_type"] == ""
    assert json.loads(record["params_str"]) == record["params"] == {"x": 21}
    assert record["host_process"].endswith(f" - {os.getpid()}")
    assert found.get_result() == {"twice": 42}


def test_a_result_of_none_is_an_empty_text(environment):
    assert kept(environment, 0, is_save_status=True, is_save_result=True).get_result() == ""


def test_without_the_result_the_documented_text_is_in_its_place(environment):
    assert kept(environment, is_save_status=True).get_result() == "不保存结果"


def test_nothing_is_known_of_others(environment):
    found = ResultFromMongo("test_queue77h6_result:764a1ba2-14eb-49e2-9209-ac83fc5db1e8", environment)
    assert found.get_status_and_result() == found.get_result() == "no_result"


def test_a_message_that_goes_back_is_running_in_between(environment):
    go_on = threading.Event()

    def back(x):
        if not go_on.is_set():
            raise ExceptionForRequeue

    task = boosted(
        back,
        environment,
        function_result_status_persistance_conf=FunctionResultStatusPersistanceConfig(is_save_status=True),
    )
    result = task.push(1)
    task.consume()
    until(lambda: environment.state.history.search(running=True))
    go_on.set()
    until(lambda: environment.state.history.search(success=True))
    assert ResultFromMongo(result.task_id, environment).get_status_and_result()["run_status"] == "finish"


# -- 4.19: the user's own record function ------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["threading", "single_thread", "async"])
@pytest.mark.parametrize("how", ["plain", "coroutine"])
def test_a_function_of_ones_own_records_what_has_run(environment, calls, mode, how):
    def my_save_process_info_fun(function_result_status: FunctionResultStatus):
        status = function_result_status
        assert status.publish_time_str
        assert status.msg_dict["extra"]["task_id"] == status.task_id
        assert status.host_process
        assert status.time_cost is not None
        assert status.get_status_dict()["insert_time"]
        calls.add(status.params["x"], status.result)

    async def coroutine(status):
        my_save_process_info_fun(status)

    async def later(x):
        return x * 10

    task = boosted(
        later if mode == "async" else (lambda x: x * 10),
        environment,
        concurrent_mode=mode,
        user_custom_record_process_info_func=coroutine if how == "coroutine" else my_save_process_info_fun,
    )
    for x in range(5):
        task.push(x)
    task.consume()
    assert sorted(calls.wait(5)) == [(x, x * 10) for x in range(5)]


def test_method_and_function_are_both_told_and_the_record_is_kept(declare, environment, calls):
    class Mine(AbstractConsumer):
        def user_custom_record_process_info_func(self, current_function_result_status):
            calls.add("method", current_function_result_status.result)

    task = declare(
        lambda x: x + 1,
        Mine,
        user_custom_record_process_info_func=lambda status: calls.add("function", status.result),
        function_result_status_persistance_conf=FunctionResultStatusPersistanceConfig(is_save_status=True),
    )
    result = task.push(1)
    task.consume()
    assert sorted(calls.wait(2)) == [("function", 2), ("method", 2)]
    until(lambda: environment.state.history.get(result.task_id))


# -- 4.14: living consumers --------------------------------------------------------------------------------------------

ENTRIES = """queue_name computer_name computer_ip process_id consumer_id consumer_uuid start_datetime_str start_timestamp
hearbeat_datetime_str hearbeat_timestamp consuming_function code_filename unit_time_for_count last_x_s_execute_count
last_x_s_execute_count_fail last_execute_task_time last_x_s_avarage_function_spend_time msg_num_in_broker
current_time_for_execute_task_times_every_unit_time last_timestamp_when_has_task_in_queue
total_consume_count_from_start total_consume_count_from_start_fail total_cost_time_from_start
last_x_s_total_cost_time avarage_function_spend_time_from_start""".split()


def test_living_consumers_by_queue_and_by_host(environment, calls):
    def counted(x):
        calls.add(x)

    for name in ("one", "two"):
        boosted(counted, environment, queue_name=name, is_send_consumer_hearbeat_to_redis=True).consume()
    one = environment.registry["one"]
    for x in range(3):
        one.push(x)
    calls.wait(3)
    getter = ActiveCousumerProcessInfoGetter(environment)
    until(lambda: getter.get_all_hearbeat_info_by_queue_name("one")[0]["total_consume_count_from_start"] == 3)
    (info,) = getter.get_all_hearbeat_info_by_queue_name("one")
    assert set(ENTRIES) <= info.keys()
    assert (info["queue_name"], info["process_id"], info["consuming_function"]) == ("one", os.getpid(), "counted")
    assert (info["code_filename"], info["status"], info["unit_time_for_count"]) == (__file__, "consuming", 10)
    assert abs(info["hearbeat_timestamp"] - time.time()) < WAIT
    assert info["hearbeat_timestamp"] == info["heartbeat_timestamp"]
    assert getter.get_all_queue_names() == ["one", "two"]
    here = getter.get_all_hearbeat_info_by_ip()
    assert {entry["queue_name"] for entry in here} == {"one", "two"}
    assert getter.get_all_hearbeat_info_by_ip("192.0.2.1") == []
    assert getter.get_all_ips() == [info["computer_ip"]]
    assert {queue: len(found) for queue, found in getter.get_all_hearbeat_info_partition_by_queue_name().items()} == {
        "one": 1,
        "two": 1,
    }
    assert list(getter.get_all_hearbeat_info_partition_by_ip()) == [info["computer_ip"]]
    environment.worker.stop(5)
    assert getter.get_all_hearbeat_info_by_queue_name("one") == []
    assert getter.get_all_hearbeat_info_partition_by_queue_name() == {}


# -- 4b.1: the running task in the log ---------------------------------------------------------------------------------


def test_the_documented_program_about_the_running_task(environment, calls, caplog):
    logger = TaskIdLogger("namexx")
    lines = []
    handler = logging.Handler()
    handler.setFormatter(logging.Formatter("%(name)s - %(task_id)s - %(message)s"))
    handler.emit = lambda record: lines.append(handler.format(record))
    logger.addHandler(handler)
    common = logging.getLogger("namexx2")
    common.setLevel(logging.DEBUG)
    common.addHandler(handler)

    def helper():
        logger.info("in a helper")
        return get_current_taskid()

    def f(a, b):
        fct.logger.warning("of the queue")
        logger.info(fct.function_result_status.task_id)
        logger.debug(fct.function_result_status.run_times)
        logger.debug(fct.function_result_status.publish_time_str)
        assert fct.full_msg["extra"]["publish_time"]
        assert fct.function_result_status.get_status_dict()["params"] == {"a": a, "b": b}
        common.debug("by hand", extra={"task_id": fct.task_id})
        seen = [helper(), funboost_current_task().task_id]
        thread = FctContextThread(target=lambda: seen.append(fct.task_id))
        thread.start()
        thread.join()
        calls.add(*seen)
        return a + b

    task = boosted(f, environment, queue_name="queue_test_fct", qps=100, concurrent_num=5)
    fct_lines = task.task.logger
    fct_lines.addHandler(handler)
    result = task.push(1, b=2)
    task.consume()
    assert calls.wait(1) == [(result.task_id,) * 3]
    fct_lines.removeHandler(handler)
    common.removeHandler(handler)
    assert [line.split(" - ")[1] for line in lines] == [result.task_id] * len(lines)
    assert [line.split(" - ")[2] for line in lines[:2]] == ["of the queue", result.task_id]
    assert len(lines) == 6
    assert get_current_taskid() == "no_task_id"
    with pytest.raises(LookupError):
        fct.task_id
