"""The documentation's programs about declaring tasks, rewritten: chapters 4.0 to 4.3."""

from __future__ import annotations

import logging
import threading

import pytest
from funboost import (
    Booster,
    BoosterParams,
    BoostersManager,
    BrokerEnum,
    ConcurrentModeEnum,
    boost,
    get_consumer,
)
from funboost.concurrent_pool.flexible_thread_pool import FlexibleThreadPool

WAIT = 50


@pytest.mark.server
def test_a_class_for_the_parameters_of_two_functions(on_rabbitmq, calls):
    """Chapter 4.0.5: both are of one queue, so that each message runs either."""
    pytest.importorskip("funboost_broker_rabbitmq_amqpstorm", reason="funboost[rabbitmq] is not installed here")

    class Mine(BoosterParams):
        broker_kind: str = BrokerEnum.RABBITMQ
        max_retry_times: int = 4
        log_level: int = logging.DEBUG
        log_filename: str = "mine.log"

    @boost(boost_params=Mine(queue_name="task_queue_name1d", qps=300))
    def task_fun(x, y):
        calls.add(x, y)

    @boost(boost_params=Mine(queue_name="task_queue_name1d", qps=1000))
    def task_fun2(x, y):
        calls.add(x, y)

    task_fun.consume()
    task_fun2.consume()
    for i in range(10):
        task_fun.push(i, y=i * 2)
        task_fun2.push(i, i * 10)
    assert sorted(calls.wait(20)) == sorted([(i, i * factor) for i in range(10) for factor in (2, 10)])
    assert task_fun.boost_params.log_filename == task_fun2.boost_params.log_filename == "mine.log"


@pytest.mark.server
def test_both_ways_to_publish(on_redis, calls):
    """Chapter 4.1."""

    @boost(BoosterParams(queue_name="queue_test_f01", qps=200, broker_kind=BrokerEnum.REDIS_ACK_ABLE))
    def add(a, b):
        calls.add(a + b)

    for i in range(10, 20):
        add.publish({"a": i, "b": i * 2})
        add.push(i, b=i * 2)
    assert add.get_message_count() == 20
    add.consume()
    assert sorted(calls.wait(20)) == sorted([(3 * i,) for i in range(10, 20)] * 2)


@pytest.mark.server
def test_a_consumer_without_the_decorator(on_redis, calls):
    """Chapter 4.2a."""

    def add(a, b):
        calls.add(a + b)

    params = BoosterParams(
        queue_name="queue_test_f01", consuming_function=add, qps=200, broker_kind=BrokerEnum.REDIS_ACK_ABLE
    )
    consumer = get_consumer(params)
    for i in range(10, 20):
        consumer.publisher_of_same_queue.publish({"a": i, "b": i * 2})
    consumer.start_consuming_message()
    assert sorted(calls.wait(10)) == [(3 * i,) for i in range(10, 20)]


BOOSTED = """
from funboost import boost, Booster, ConcurrentModeEnum, BoosterParams

def add(a, b):
    print(f"sum {a + b}\\n", end="", flush=True)

add_boost = boost(BoosterParams(queue_name="queue_test_f01b", qps=200,
                                concurrent_mode=ConcurrentModeEnum.THREADING))(add)   # type: Booster

if __name__ == "__main__":
    for i in range(10, 20):
        add_boost.push(a=i, b=i * 2)
    add(0, 0)
    add_boost.consume()
    add_boost.multi_process_consume(2)
"""


def test_a_function_that_stays_as_it_is_beside_its_task(programs):
    """Chapter 4.2b."""
    process = programs.start(programs.write("boosted.py", BOOSTED))
    seen = []
    for line in process.stdout:
        if line.startswith("sum"):
            seen.append(int(line.split()[1]))
        if len(seen) == 11:
            break
    assert sorted(seen) == [0, *(3 * i for i in range(10, 20))]


def test_queues_whose_names_come_while_it_runs(documented, calls):
    """Chapter 4.2c: declaring again and again works; `build_booster` makes one task a queue."""

    def add(a, b):
        calls.add(a + b)

    mode = ConcurrentModeEnum.THREADING
    for i in range(40):
        booster: Booster = boost(BoosterParams(queue_name=f"a{i % 4}", qps=200, concurrent_mode=mode))(add)
        booster.push(i, i * 2)
    built = set()
    for i in range(100):
        params = BoosterParams(queue_name=f"b{i % 4}", qps=200, consuming_function=add)
        booster = BoostersManager.build_booster(params)
        booster.push(i, i * 2)
        built.add(id(booster))
    assert len(built) == 4
    for j in range(4):
        BoostersManager.build_booster(BoosterParams(queue_name=f"b{j}", qps=200, consuming_function=add)).consume()
        BoostersManager.get_booster(f"a{j}").consume()
    assert sorted(calls.wait(140)) == sorted([(3 * i,) for i in [*range(40), *range(100)]])


PROJECT = {
    "queue_names.py": 'Q1, Q2A, Q2B = "manager1", "manager2a", "manager2b"\n',
    "tasks/mod1.py": """
        import queue_names
        from funboost import boost, BoosterParams

        @boost(BoosterParams(queue_name=queue_names.Q1, qps=100))
        def fun1(x):
            print(f"fun1 {x}\\n", end="", flush=True)
        """,
    "tasks/mod2.py": """
        import queue_names
        from funboost import boost, BoosterParams

        @boost(BoosterParams(queue_name=queue_names.Q2A, qps=100))
        def fun2a(x):
            print(f"fun2a {x}\\n", end="", flush=True)

        @boost(BoosterParams(queue_name=queue_names.Q2B, qps=100))
        def fun2b(x):
            print(f"fun2b {x}\\n", end="", flush=True)
        """,
    "start.py": """
        from pathlib import Path
        import queue_names
        from funboost import BoostersManager, BoosterDiscovery

        if __name__ == "__main__":
            here = Path(__file__).parent
            BoosterDiscovery(project_root_path=here, booster_dirs=[here / "tasks"]).auto_discovery()
            for name in (queue_names.Q1, queue_names.Q2A, queue_names.Q2B):
                BoostersManager.push(name, x=5)
            BoostersManager.CALL
        """,
}


@pytest.mark.parametrize(
    "call",
    ["consume(queue_names.Q1, queue_names.Q2A, queue_names.Q2B)", "consume_all()", "m_consume_all(1)"],
)
def test_started_together_by_queue_name(programs, call):
    """Chapter 4.2d."""
    (programs.folder / "tasks").mkdir()
    for name, text in PROJECT.items():
        programs.write(name, text.replace("CALL", call))
    process = programs.start(programs.folder / "start.py")
    seen = set()
    for line in process.stdout:
        if line.startswith("fun"):
            seen.add(line.strip())
        if len(seen) == 3:
            break
    assert seen == {"fun1 5", "fun2a 5", "fun2b 5"}
    assert process.poll() is None, "it goes on consuming"


def test_a_function_feeds_itself_and_another(documented, calls):
    """Chapter 4.3a."""

    @boost(BoosterParams(queue_name="queue_test_step1", qps=500, broker_kind=BrokerEnum.LOCAL_PYTHON_QUEUE))
    def step1(x):
        if x == 0:
            for i in range(1, 10):
                step1.pub({"x": x + i})
        for j in range(10):
            step2.push(x * 100 + j)

    @boost(BoosterParams(queue_name="queue_test_step2", qps=500, broker_kind=BrokerEnum.LOCAL_PYTHON_QUEUE))
    def step2(y):
        calls.add(y)

    step1.push(0)
    step1.consume()
    step2.consume()
    assert sorted(calls.wait(100)) == [(x * 100 + j,) for x in range(10) for j in range(10)]


def test_three_functions_of_one_pool(documented, calls):
    """Chapter 4.3b: all run, in threads of the pool alone."""
    pool = FlexibleThreadPool(6)
    threads = set()

    def note(*values):
        threads.add(threading.current_thread())
        calls.add(*values)

    @boost(BoosterParams(queue_name="test_f1_queue", specify_concurrent_pool=pool, qps=300))
    def f1(x):
        note("f1", x)

    @boost(BoosterParams(queue_name="test_f2_queue", specify_concurrent_pool=pool, qps=200))
    def f2(y):
        note("f2", y)

    @boost(BoosterParams(queue_name="test_f3_queue", specify_concurrent_pool=pool))
    def f3(m, n):
        note("f3", m, n)

    for i in range(30):
        f1.push(i)
        f2.push(i)
        f3.push(i, 1 * 2)
    for f in (f1, f2, f3):
        f.consume()
    expected = [call for i in range(30) for call in (("f1", i), ("f2", i), ("f3", i, 2))]
    assert sorted(calls.wait(90)) == sorted(expected)
    assert len(threads) <= 6


@pytest.mark.server
def test_clearing_and_counting(on_redis, calls):
    """Chapter 4.3c."""

    @boost(
        BoosterParams(
            queue_name="test_queue77g",
            log_level=10,
            broker_kind=BrokerEnum.REDIS_ACK_ABLE,
            qps=500,
            create_logger_file=False,
            is_show_message_get_from_broker=True,
            concurrent_mode=ConcurrentModeEnum.SINGLE_THREAD,
        )
    )
    def f2(a, b):
        calls.add(a - b)

    f2.clear()
    for i in range(8):
        f2.push(i, i * 5)
    assert f2.get_message_count() == 8
    f2.clear()
    for i in range(20):
        f2.push(i, i * 2)
    assert f2.get_message_count() == 20
    f2.consume()
    assert calls.wait(20) == [(-i,) for i in range(20)]
