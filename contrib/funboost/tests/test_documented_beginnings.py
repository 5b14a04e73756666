"""The documentation's first programs, rewritten: chapters 1 and 3."""

from __future__ import annotations

import threading
import time

import pytest
from funboost import BoosterParams, BrokerEnum, boost

WAIT = 50


def test_a_function_instead_of_a_thread_pool(documented, calls):
    """Chapters 1.2.1 and 4.33: ten at once, and consuming without a call of `consume`."""
    meeting = threading.Barrier(10, timeout=WAIT)

    @BoosterParams(
        queue_name="instead_of_threads",
        broker_kind=BrokerEnum.MEMORY_QUEUE,
        concurrent_num=10,
        is_auto_start_consuming_message=True,
    )
    def f(x):
        meeting.wait()  # with fewer than ten it would break
        calls.add(x)

    for i in range(30):
        f.push(i)
    assert sorted(calls.wait(30)) == [(i,) for i in range(30)]


def test_published_and_consumed_at_a_rate(documented, calls):
    """Chapter 1.3.1: the function blocks, and still so many begin in a second: not one after the other, and not more."""
    meeting = threading.Barrier(4, timeout=WAIT)

    @boost(BoosterParams(queue_name="sums", qps=20, broker_kind=BrokerEnum.SQLITE_QUEUE))
    def task_fun(x, y):
        meeting.wait()
        calls.add(f"{x} + {y} = {x + y}")

    for i in range(20):
        task_fun.push(i, y=i * 2)
    assert task_fun.get_message_count() == 20
    start = time.monotonic()
    task_fun.consume()
    assert sorted(calls.wait(20)) == sorted((f"{i} + {i * 2} = {3 * i}",) for i in range(20))
    assert time.monotonic() - start > 19 / 20 * 0.7


STEPS = """
import time
from funboost import boost, BrokerEnum, BoosterParams, ctrl_c_recv, ConcurrentModeEnum, ApsJobAdder

class Mine(BoosterParams):
    broker_kind: str = BrokerEnum.REDIS_ACK_ABLE
    max_retry_times: int = 3
    concurrent_mode: str = ConcurrentModeEnum.THREADING

@boost(Mine(queue_name="first", qps=100, is_using_rpc_mode=True))
def first(a: int, b: int):
    for j in range(3):
        second.push(c=a + b + j, d=a * b + j, e=a - b + j)
    return a + b

@boost(Mine(queue_name="second", qps=100, max_retry_times=5))
def second(c: int, d: int, e: int = 666):
    print(f"c={c},d={d},e={e}\\n", end="", flush=True)

if __name__ == "__main__":
    first.clear()
    second.clear()
    first.consume()
    second.consume()
    second.multi_process_consume(1)
    result = first.push(100, b=200)
    print("result", result.result, flush=True)
    for i in range(5):
        first.push(i, i * 2)
        first.publish({"a": i, "b": i * 2}, task_id=f"task_{i}")
    ApsJobAdder(second, job_store_kind="redis", is_auto_start=True).add_push_job(
        trigger="date", run_date="2035-06-30 16:25:40", args=(7, 8, 9), id="date_job1", replace_existing=True)
    ApsJobAdder(second, job_store_kind="redis").add_push_job(
        trigger="interval", seconds=1, args=(4, 6, 10), id="interval_job1", replace_existing=True)
    ApsJobAdder(second, job_store_kind="redis").add_push_job(
        trigger="cron", day_of_week="*", hour="*", minute="*", second="*", kwargs={"c": 50, "d": 60, "e": 70},
        replace_existing=True, id="cron_job1")
    ctrl_c_recv()
"""


@pytest.mark.server
def test_two_steps_with_results_processes_and_schedules(redis_programs):
    """Chapter 1.3.2: one class for the parameters of several functions, and everything at once."""
    pytest.importorskip("apscheduler")
    process = redis_programs.start(redis_programs.write("steps.py", STEPS))
    pairs = [(100, 200), *((i, 2 * i) for i in range(5)), *((i, 2 * i) for i in range(5))]
    expected = [f"c={a + b + j},d={a * b + j},e={a - b + j}" for a, b in pairs for j in range(3)]
    wanted = {*expected, "result 300", "c=4,d=6,e=10", "c=50,d=60,e=70"}
    seen = []
    for line in process.stdout:
        if line.startswith(("c=", "result")):
            seen.append(line.strip())
        if wanted <= set(seen) and sum(map(seen.count, set(expected))) == len(expected):
            break
    assert wanted <= set(seen), seen
    assert "c=7,d=8,e=9" not in seen, "its time is years ahead"


def test_the_parameters_decorate_with_and_without_boost(documented, calls):
    """Chapter 1.3.3."""

    @boost(BoosterParams(queue_name="with"))
    def one(a: int, b: int):
        calls.add("one", a + b)

    @BoosterParams(queue_name="without")
    def other(a: int, b: int):
        calls.add("other", a + b)

    assert type(one) is type(other)
    for f in (one, other):
        f.push(1, b=2)
        f.consume()
    assert sorted(calls.wait(2)) == [("one", 3), ("other", 3)]


TWO_QUEUES = """
from funboost import boost, BrokerEnum, PriorityConsumingControlConfig, BoosterParams

@boost(BoosterParams(queue_name="queue1", broker_kind=BrokerEnum.REDIS, qps=100))
def f(x, y):
    print(f"f {x} {y}\\n", end="", flush=True)

@boost(BoosterParams(queue_name="queue2", broker_kind=BrokerEnum.REDIS, qps=100))
def f2(a, b):
    print(f"f2 {a} {b}\\n", end="", flush=True)

if __name__ == "__main__":
    f.clear()
    for i in range(10):
        f.push(i, i * 2)
        f2.publish({"a": i, "b": i * 2}, priority_control_config=PriorityConsumingControlConfig(msg_expire_senconds=300))
    print("waiting", f.get_message_count(), f2.get_message_count(), flush=True)
    f.consume()
    f2.multi_process_consume(2)
"""


@pytest.mark.server
def test_one_queue_here_and_one_in_processes(redis_programs):
    """Chapter 3.3.2."""
    process = redis_programs.start(redis_programs.write("two.py", TWO_QUEUES))
    seen = []
    for line in process.stdout:
        if line.startswith(("f", "waiting")):
            seen.append(line.strip())
        if len(seen) == 21:
            break
    assert sorted(seen) == sorted(["waiting 10 10", *(f"{f} {i} {i * 2}" for f in ("f", "f2") for i in range(10))])
