"""Documented programs of single chapters, rewritten: one process consumes, others publish, ask, pause and kill."""

from __future__ import annotations

import functools
import inspect
import json

import pytest
from funboost import BoosterParams, boost, fct
from started_programs import Programs

CONSUME = """
import time
from funboost import boost, BoosterParams, FunctionResultStatusPersistanceConfig

KEPT = FunctionResultStatusPersistanceConfig(is_save_status=True, is_save_result=True, expire_seconds=500000)

@boost(BoosterParams(queue_name="test_rpc_queue", is_using_rpc_mode=True, concurrent_num=200,
                     function_result_status_persistance_conf=KEPT))
def add(a, b):
    time.sleep(0.05)
    return a + b

@boost(BoosterParams(queue_name="test_plain_queue"))
def subtract(a, b):
    return a - b

@boost(BoosterParams(queue_name="test_kill_fun_queue", is_support_remote_kill_task=True))
def kill_add(x, y):
    print(f"start {x} + {y} ....")
    for _ in range(12000):
        time.sleep(0.01)
    print(f"over {x} + {y} = {x + y}")

@boost(BoosterParams(queue_name="test_queue73ac", is_send_consumer_hearbeat_to_redis=True))
def f2(a, b):
    return a - b

def until(condition):
    for _ in range(10000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError(condition)

if __name__ == "__main__":
    for task in (add, subtract, kill_add, f2):
        task.consume()
"""

PROGRAMS = {
    "4.6 results": """
from funboost import PriorityConsumingControlConfig
from consume import add, subtract, until

seen = []

def show_result(status_and_result: dict):
    seen.append(status_and_result["result"])

async_result = add.push(1, 2)
assert async_result.result == 3
async_result = subtract.publish(dict(a=30, b=10), priority_control_config=PriorityConsumingControlConfig(is_using_rpc_mode=True))
assert async_result.status_and_result["result"] == 20
for i in range(100):
    async_result = add.push(i, i * 2)
    async_result.set_timeout(3600)
    async_result.set_callback(show_result)
until(lambda: len(seen) == 100)
assert sorted(seen) == [3 * i for i in range(100)]
""",
    "4.6.5 results in a loop": """
import asyncio
from funboost import AioAsyncResult
from consume import add

seen = []

async def process_result(status_and_result: dict):
    await asyncio.sleep(0.01)
    seen.append(status_and_result["result"])

async def get_result(i):
    async_result = add.push(i, i * 2)
    aio_async_result = AioAsyncResult(task_id=async_result.task_id)
    assert await aio_async_result.result == 3 * i
    assert (await aio_async_result.status_and_result)["params"] == {"a": i, "b": i * 2}
    await aio_async_result.set_callback(process_result)

async def main():
    await asyncio.gather(*(get_result(j) for j in range(100)))
    while len(seen) < 100:
        await asyncio.sleep(0.01)

asyncio.run(main())
""",
    "4.6.7 and 4.11 what is kept": """
from funboost import ResultFromMongo
from consume import add, until

task_id = add.push(10, 20).task_id
until(lambda: ResultFromMongo(task_id).get_status_and_result() != "no_result")
kept = ResultFromMongo(task_id).get_status_and_result()
assert (kept["params"], kept["result"], kept["run_status"]) == ({"a": 10, "b": 20}, 30, "finish")
assert ResultFromMongo(task_id).get_result() == 30
assert ResultFromMongo("test_rpc_queue_result:764a1ba2").get_result() == "no_result"
""",
    "4.14 consumers": """
from funboost import ActiveCousumerProcessInfoGetter
from consume import until

getter = ActiveCousumerProcessInfoGetter()
until(lambda: getter.get_all_hearbeat_info_by_queue_name("test_queue73ac"))
(info,) = getter.get_all_hearbeat_info_by_queue_name("test_queue73ac")
assert info["consuming_function"] == "f2"
assert info["queue_name"] in {found["queue_name"] for found in getter.get_all_hearbeat_info_by_ip()}
assert getter.get_all_hearbeat_info_by_ip("192.0.2.1") == []
assert "test_queue73ac" in getter.get_all_hearbeat_info_partition_by_queue_name()
assert info["computer_ip"] in getter.get_all_hearbeat_info_partition_by_ip()
""",
    "4.18 pause": """
import time
from funboost import ActiveCousumerProcessInfoGetter
from consume import f2, until

getter = ActiveCousumerProcessInfoGetter()
f2.pause_consume()
until(lambda: [info["status"] for info in getter.get_all_hearbeat_info_by_queue_name("test_queue73ac")] == ["paused"])
for i in range(10):
    f2.push(i, i * 2)
time.sleep(0.3)
until(lambda: f2.get_message_count() == 10)  # a fetch that had begun gives back what it has taken
f2.continue_consume()
until(lambda: f2.get_message_count() == 0)
""",
    "4.30 kill": """
import time
from funboost import PriorityConsumingControlConfig, RemoteTaskKiller
from consume import kill_add, until

options = PriorityConsumingControlConfig(is_using_rpc_mode=True)
for seconds in (0, 1):
    async_result = kill_add.publish(dict(x=3, y=4), priority_control_config=options)
    time.sleep(seconds)
    RemoteTaskKiller(kill_add.queue_name, async_result.task_id).send_kill_remote_task_comd()
    status = async_result.set_timeout(100).status_and_result
    assert not status["success"]
    assert status["exception_type"] in ("TaskKilled", "TaskSkipped"), status["exception"]
assert kill_add.get_message_count() == 0
""",
}


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    programs = Programs(tmp_path_factory.mktemp("chapters"))
    programs.environ["FUNBOOST_BEAT_SECONDS"] = "0.1"
    programs.start(programs.write("consume.py", CONSUME))
    yield programs
    programs.close()


@pytest.mark.parametrize("chapter", PROGRAMS)
def test_beside_a_program_that_consumes(programs, chapter):
    programs.run(programs.write(f"chapter_{list(PROGRAMS).index(chapter)}.py", PROGRAMS[chapter]))


# -- 4.31: the running task, in whatever it calls ------------------------------------------------------------------------


def test_the_running_task_is_known_in_all_that_it_calls(environment, calls):
    def common_fun():
        calls.add(fct.task_id, fct.full_msg["a"], fct.function_result_status.run_times)
        if fct.function_result_status.run_times < 3:
            raise ValueError("not yet")

    @boost(BoosterParams(queue_name="queue_test_fct", concurrent_num=5, max_retry_times=3), environment=environment)
    def f(a, b):
        assert fct.function_params == {"a": a, "b": b}
        assert fct.full_msg["extra"]["publish_time"] == fct.function_result_status.publish_time
        assert fct.function_result_status.get_status_dict()["run_status"] == "running"
        common_fun()
        return a + b

    ids = {a: f.push(a, b=a * 2).task_id for a in range(20)}
    f.consume()
    assert sorted(calls.wait(60)) == sorted((ids[a], a, run) for a in range(20) for run in (1, 2, 3))


# -- 4b.2: any JSON ------------------------------------------------------------------------------------------------------


def test_json_of_any_keys_is_consumed_whoever_publishes_it(environment, calls):
    params = BoosterParams(queue_name="task_queue_name2c", should_check_publish_func_params=False)

    @boost(params, environment=environment)
    def task_fun(**kwargs):
        assert {name: value for name, value in fct.full_msg.items() if name != "extra"} == kwargs
        calls.add(tuple(kwargs.items()))

    task_fun.publish({"x": 1, "x5": {"k1": 1}})
    task_fun.push(y=2)
    task_fun.publisher.send_msg({"y1": 3})
    task_fun.publisher.send_msg(json.dumps({"m": 666, "n": 777}))
    task_fun.consume()
    expected = [(("x", 1), ("x5", {"k1": 1})), (("y", 2),), (("y1", 3),), (("m", 666), ("n", 777))]
    assert sorted(call for (call,) in calls.wait(4)) == sorted(expected)


# -- 6.16: decorators ----------------------------------------------------------------------------------------------------


def counting(name, counts):
    def decorate(function):
        @functools.wraps(function)
        def counted(*args, **kwargs):
            result = function(*args, **kwargs)
            counts.append(name)
            return result

        return counted

    return decorate


def test_several_decorators_of_the_consuming_function(environment, calls):
    counts = []

    def all_of_them(function):
        return counting("outer", counts)(counting("inner", counts)(function))

    @boost(BoosterParams(queue_name="test_queue_235", consumin_function_decorator=all_of_them), environment=environment)
    def fun(xxx, yyy):
        calls.add(xxx + yyy)

    assert inspect.getfullargspec(fun).args == ["xxx", "yyy"]
    for i in range(10):
        fun.push(i, 2 * i)
    fun.consume()
    assert sorted(calls.wait(10)) == [(3 * i,) for i in range(10)]
    environment.worker.stop()
    assert sorted(counts) == ["inner"] * 10 + ["outer"] * 10


def test_a_decorator_right_on_the_function(environment, calls):
    counts = []
    params = BoosterParams(queue_name="test_queue_23b", should_check_publish_func_params=False)

    @boost(params, environment=environment)
    @counting("run", counts)
    def fun(xxx, yyy):
        calls.add(xxx + yyy)

    for _ in range(20):
        fun.publish({"xxx": 1, "yyy": 2})
    fun.consume()
    assert calls.wait(20) == [(3,)] * 20
    environment.worker.stop()
    assert counts == ["run"] * 20
