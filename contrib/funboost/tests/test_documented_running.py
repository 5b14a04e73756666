"""The documentation's programs about rates, times and coroutines, rewritten: chapters 4.5 to 4.12."""

from __future__ import annotations

import asyncio
import datetime
import random
import threading
import time

import pytest
from funboost import BoosterParams, BrokerEnum, ConcurrentModeEnum, PriorityConsumingControlConfig, boost

WAIT = 50


PROCESSES = """
import os, time
from funboost import boost, BrokerEnum, PriorityConsumingControlConfig, BoosterParams

@boost(BoosterParams(queue_name="test_queue", broker_kind=BrokerEnum.REDIS, qps=50,
                     is_using_distributed_frequency_control=True))
def ff(x, y):
    print(f"ran {os.getpid()} {x} {y}\\n", end="", flush=True)

if __name__ == "__main__":
    ff.clear()
    for i in range(10):
        ff.push(i, y=i * 2)
        ff.publish({"x": i * 10, "y": i * 2},
                   priority_control_config=PriorityConsumingControlConfig(countdown=0.2, misfire_grace_time=150))
    ff(666, 888)
    ff.start()
    ff.consume()
    ff.multi_process_start(2)
    while True:
        ff.push(-1, -1)
        time.sleep(0.01)
"""


@pytest.mark.server
def test_threads_in_several_processes(redis_programs):
    """Chapter 4.5: everything runs once, also the delayed; calling it is no publishing; starting twice is starting once."""
    process = redis_programs.start(redis_programs.write("processes.py", PROCESSES))
    seen, pids = [], set()
    for line in process.stdout:
        if line.startswith("ran"):
            _, pid, x, y = line.split()
            pids.add(int(pid))
            if y != "-1":
                seen.append((int(x), int(y)))
        if len(seen) >= 21 and len(pids) == 3:
            break
    assert sorted(seen) == sorted([(666, 888), *((i * f, i * 2) for i in range(10) for f in (1, 10))])


def test_threads_come_when_calls_take_longer(documented, calls):
    """Chapter 4.7.1: quick calls do with few threads; calls that block get as many as are allowed, so the rate stays."""
    threads = set()
    meeting = threading.Barrier(20, timeout=WAIT)

    @boost(
        BoosterParams(
            queue_name="queue_test2_qps",
            qps=400,
            broker_kind=BrokerEnum.PERSISTQUEUE,
            concurrent_mode=ConcurrentModeEnum.THREADING,
            concurrent_num=20,
        )
    )
    def f2(a, b, slow):
        threads.add(threading.current_thread())
        if slow:
            meeting.wait()
        calls.add(a + b)

    f2.clear()
    for i in range(20):
        f2.push(i, i * 2, slow=False)
    f2.consume()
    calls.wait(20)
    for i in range(20):
        f2.push(i, i * 2, slow=True)
    assert sorted(calls.wait(40)) == sorted([(3 * i,) for i in range(20)] * 2)
    assert len(threads) >= 20


@pytest.mark.server
def test_a_rate_whatever_the_calls_take(on_rabbitmq, calls):
    """Chapter 4.7.3: never more in the time than the rate allows, though each call takes a time of its own."""
    pytest.importorskip("funboost_broker_rabbitmq_amqpstorm", reason="funboost[rabbitmq] is not installed here")

    @boost(
        BoosterParams(queue_name="test_rabbit_queue7", broker_kind=BrokerEnum.RABBITMQ_AMQPSTORM, qps=50, log_level=20)
    )
    def test_fun(x):
        time.sleep(random.randrange(1, 50000) / 200000)
        calls.add(x)

    for x in range(40):
        test_fun.push(x)
    start = time.monotonic()
    test_fun.consume()
    assert sorted(calls.wait(40)) == [(x,) for x in range(40)]
    assert time.monotonic() - start > 39 / 50 * 0.7


def test_requests_at_a_rate(documented, calls):
    """Chapter 4.8.2: calls begin at the rate, and several are under way at once."""
    meeting = threading.Barrier(2, timeout=WAIT)

    def view(x):
        meeting.wait()
        return f"hello {x}"

    @boost(BoosterParams(queue_name="test_qps", broker_kind=BrokerEnum.MEMORY_QUEUE, qps=40))
    def ask(x):
        calls.add(view(x))

    for i in range(20):
        ask.push(i)
    start = time.monotonic()
    ask.consume()
    assert sorted(calls.wait(20)) == sorted((f"hello {i}",) for i in range(20))
    assert time.monotonic() - start > 19 / 40 * 0.7


@pytest.mark.server
def test_delayed_messages(on_redis, calls):
    """Chapter 4.9: none before its time, and what is too late by more than its grace is dropped."""

    @boost(BoosterParams(queue_name="test_delay", broker_kind=BrokerEnum.REDIS_ACK_ABLE))
    def f(x):
        calls.add(x, time.time())

    f.consume()
    Config = PriorityConsumingControlConfig
    passed = datetime.datetime(2021, 5, 19, 17, 56, 30)
    start = time.time()
    for i in (1, 2):
        f.publish({"x": i}, priority_control_config=Config(countdown=0.5))
        eta = passed + datetime.timedelta(seconds=i)
        f.publish({"x": i * 10}, priority_control_config=Config(eta=eta))
        f.publish({"x": i * 100}, priority_control_config=Config(countdown=0.5, misfire_grace_time=300))
        f.publish({"x": i * 1000}, priority_control_config=Config(eta=eta, misfire_grace_time=30))
        f.publish({"x": i * 10000}, priority_control_config=Config(eta=eta, misfire_grace_time=1000000000))
    ran = dict(calls.wait(8))
    assert sorted(ran) == sorted(i * f for i in (1, 2) for f in (1, 10, 100, 10000))
    assert all(ran[x] - start >= 0.5 for x in (1, 2, 100, 200))
    assert len(calls.seen) == 8


def test_published_by_flask(documented, calls):
    """Chapter 4.10."""
    flask = pytest.importorskip("flask")
    app = flask.Flask("shop")

    @boost(BoosterParams(queue_name="orders", is_using_rpc_mode=True))
    def order(number):
        with app.app_context():
            calls.add(number, flask.current_app.name)

    @app.route("/order/<int:number>", methods=["POST"])
    def publish(number):
        return {"task_id": order.push(number).task_id}

    client = app.test_client()
    ids = {client.post(f"/order/{number}").get_json()["task_id"] for number in range(3)}
    assert len(ids) == 3
    order.consume()
    assert sorted(calls.wait(3)) == [(number, "shop") for number in range(3)]


def test_published_by_fastapi(documented, calls):
    """Chapter 4.10: from a coroutine, which awaits the result too."""
    fastapi, httpx = pytest.importorskip("fastapi"), pytest.importorskip("httpx")
    app = fastapi.FastAPI()

    @boost(BoosterParams(queue_name="orders", is_using_rpc_mode=True))
    def order(number):
        return number * 2

    @app.post("/order/{number}")
    async def publish(number: int):
        result = await order.aio_push(number)
        return {"result": await result.result}

    async def ask():
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
            answers = await asyncio.gather(*(client.post(f"/order/{number}") for number in range(3)))
            return [answer.json() for answer in answers]

    order.consume()
    assert asyncio.run(ask()) == [{"result": 0}, {"result": 2}, {"result": 4}]


@pytest.mark.parametrize("mode", [ConcurrentModeEnum.ASYNC, ConcurrentModeEnum.THREADING])
def test_coroutines_on_a_loop_and_on_threads(documented, calls, mode):
    """Chapters 4.12.1, 4.12.2 and 7.8: one thread and one loop for all, or a thread for each that runs."""
    places, running, most, lock = set(), 0, 0, threading.Lock()

    @boost(
        BoosterParams(
            queue_name="async_queue",
            broker_kind=BrokerEnum.LOCAL_PYTHON_QUEUE,
            concurrent_mode=mode,
            concurrent_num=10,
            qps=1000,
        )
    )
    async def f(x):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        places.add((threading.get_ident(), id(asyncio.get_running_loop())))
        while most < 10:  # with fewer at once it would never end
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        with lock:
            running -= 1
        calls.add(x)

    f.clear()
    for x in range(20):
        f.push(x)
    f.consume()
    assert sorted(calls.wait(20)) == [(x,) for x in range(20)]
    assert most == 10
    if mode == ConcurrentModeEnum.ASYNC:
        assert len(places) == 1
    else:
        assert len({thread for thread, _ in places}) == 10
