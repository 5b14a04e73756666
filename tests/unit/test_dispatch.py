"""dispatch: a pool that only calls functions is fed up to its limit, and everything that was started is settled."""

from __future__ import annotations

import asyncio

import pytest
from support.program import message

from funboost_core import fct, hookimpl
from funboost_core.consuming.consumer import Consumer
from funboost_core.consuming.execution import run_async
from funboost_core.native import Thread, get_ident

PATIENCE = 10


@pytest.fixture
def consume(program):
    consumers = []

    def start(function=lambda x: x, **params):
        consumer = Consumer(program.task(function, **{"concurrent_mode": "byhand", **params}))
        consumers.append(consumer)
        consumer.start()
        return consumer

    yield start
    for consumer in consumers:
        consumer.stop()
        while not consumer.line.join(0):
            if consumer._pool.submitted:
                consumer._pool.run_one()
            program.clock.advance(0.1)
        for thread in consumer.line._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()


def put(program, *xs):
    program.server.put("q", *[message({"x": x}, task_id=f"t{x}") for x in xs])


def settled(program, count):
    with program.server.changed:
        assert program.server.changed.wait_for(lambda: len(program.server.acked) == count, PATIENCE)


def test_as_many_as_the_limit_are_submitted_and_no_more(consume, program):
    consumer = consume(concurrent_num=5)
    pool = consumer._pool
    put(program, *range(12))
    pool.wait_for(5)
    assert consumer.line.running == 5
    assert len(program.server.bodies("q")) == 7
    for done in range(12):
        pool.wait_for(1)
        pool.run_one()
        settled(program, done + 1)
    assert pool.most == 5


def test_a_failed_run_is_submitted_again_until_it_is_given_up(consume, program):
    runs = []

    def task(x):
        runs.append(x)
        raise ValueError

    consumer = consume(task, max_retry_times=2)
    put(program, 7)
    for _ in range(3):
        consumer._pool.wait_for(1)
        consumer._pool.run_one()
    settled(program, 1)
    assert runs == [7, 7, 7]
    with consumer.line._changed:
        assert consumer.line._changed.wait_for(lambda: consumer.line.running == 0, PATIENCE)
    assert consumer.intake.finished == 1


def test_hooks_run_on_the_frameworks_threads_and_the_function_in_the_pool(consume, program):
    where = {}

    class Plugin:
        @hookimpl
        def funboost_before_execute(self):
            where["before"] = get_ident()

        @hookimpl
        def funboost_after_execute(self):
            where["after"] = get_ident()

    def task(x):
        where["task"] = get_ident()

    consumer = consume(task, hooks=[Plugin()])
    put(program, 1)
    consumer._pool.wait_for(1)
    consumer._pool.run_one()
    settled(program, 1)
    assert where["task"] == get_ident()
    assert where["before"] == consumer.line._threads[0].ident
    assert where["after"] == consumer.line._threads[1].ident


def test_stop_lets_what_runs_end_and_starts_nothing_more(consume, program):
    consumer = consume(concurrent_num=2)
    put(program, 1, 2, 3)
    consumer._pool.wait_for(2)
    consumer.stop()
    assert consumer.line.join(0) is False
    consumer._pool.run_one()
    consumer._pool.run_one()
    settled(program, 2)
    joining = Thread(target=consumer.line.join, args=(1000,), daemon=True)
    joining.start()
    while joining.is_alive():
        program.clock.advance(0.05)
        joining.join(0.01)
    assert consumer._pool.submitted == []
    assert len(program.server.bodies("q")) == 1


def test_a_defect_while_settling_costs_neither_the_thread_nor_the_message(consume, program, caplog):
    consumer = consume()
    original, broken = consumer.line._conclude, [True]

    def conclude(delivery, outcome):
        if broken:
            broken.pop()
            raise RuntimeError("a defect")
        return original(delivery, outcome)

    consumer.line._conclude = conclude
    put(program, 1)
    for _ in range(2):
        consumer._pool.wait_for(1)
        consumer._pool.run_one()
    settled(program, 1)
    assert "a defect" in caplog.text


def test_coroutines_run_with_their_own_context(program):
    async def task(x):
        await asyncio.sleep(0)
        if x == 3:
            raise ValueError(x)
        return x, fct.task_id

    line = program.line(task)
    deliveries = [line.fetched(message({"x": x}, task_id=f"t{x}")) for x in range(4)]

    async def all_at_once():
        return await asyncio.gather(*(asyncio.ensure_future(run_async(delivery)) for delivery in deliveries))

    outcomes = asyncio.run(all_at_once())
    assert [outcome.result for outcome in outcomes] == [(0, "t0"), (1, "t1"), (2, "t2"), None]
    assert isinstance(outcomes[3].error, ValueError)
    assert all(outcome.runs == 1 for outcome in outcomes)
