"""dispatch: a pool that only calls functions is fed up to its limit, and everything that was started is settled."""

from __future__ import annotations

import asyncio
import threading

import pytest
from support.program import message

from funboost_core import fct, hookimpl
from funboost_core.consuming import dispatch
from funboost_core.consuming.consumer import Consumer
from funboost_core.consuming.execution import run_async
from funboost_core.native import SimpleQueue, Thread, current_thread

PATIENCE = 30


def ours():
    """The two threads of the consumers of this test."""
    return [thread for thread in threading.enumerate() if thread.name in ("funboost-q-fetch", "funboost-q-settle")]


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
        joining = Thread(target=lambda c=consumer: (c.drain(60), c.release()), daemon=True)
        joining.start()
        while joining.is_alive():
            if consumer._pool.submitted:
                consumer._pool.run_one()
            joining.join(0.01)
            program.clock.advance(1)
        for thread in ours():
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
    permits = consumer.line.permits
    with permits._changed:  # who looks for the next message has some for a moment
        assert permits._changed.wait_for(lambda: permits.out == 0, PATIENCE)


def test_hooks_run_on_the_frameworks_threads_and_the_function_in_the_pool(consume, program):
    where = {}

    class Plugin:
        @hookimpl
        def funboost_before_execute(self):
            where["before"] = current_thread().name

        @hookimpl
        def funboost_after_execute(self):
            where["after"] = current_thread().name

    def task(x):
        where["task"] = current_thread().name

    consumer = consume(task, hooks=[Plugin()])
    put(program, 1)
    consumer._pool.wait_for(1)
    consumer._pool.run_one()
    settled(program, 1)
    assert where == {"task": current_thread().name, "before": "funboost-q-fetch", "after": "funboost-q-settle"}


def test_stop_lets_what_runs_end_and_starts_nothing_more(consume, program):
    consumer = consume(concurrent_num=2)
    put(program, 1, 2, 3)
    consumer._pool.wait_for(2)
    consumer.stop()
    consumer._pool.run_one()
    consumer._pool.run_one()
    assert consumer.line.join(1000) is True
    assert len(program.server.acked) == 2
    assert consumer._pool.submitted == []
    assert len(program.server.bodies("q")) == 1


def test_what_comes_when_it_was_stopped_meanwhile_goes_back(consume, program):
    """The fetching thread had passed the gate, and was finding out whether they may run."""
    consumer = consume(concurrent_num=2)
    admitted = consumer.intake._admitted

    def stopped_meanwhile(deliveries):
        ready = admitted(deliveries)
        if ready:
            consumer.stop()
        return ready

    consumer.intake._admitted = stopped_meanwhile
    put(program, 1, 2)
    assert consumer.line.join(1000) is True
    assert consumer._pool.submitted == []
    assert len(program.server.bodies("q")) == 2
    assert consumer.line.permits.out == 0


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


def test_a_pool_that_takes_nothing_costs_neither_the_thread_nor_the_messages(consume, program, caplog):
    consumer = consume()
    pool = consumer._pool
    original, refusals = pool.submit, [RuntimeError("the loop is closed")]

    def submit(*args):
        if refusals:
            raise refusals.pop()
        original(*args)

    pool.submit = submit
    put(program, 1)
    pool.wait_for(1)
    pool.run_one()
    settled(program, 1)
    assert "the loop is closed" in caplog.text


def test_after_the_deadline_nothing_is_settled_any_more(consume, program):
    consumer = consume()
    put(program, 1)
    consumer._pool.wait_for(1)
    consumer.stop()
    joining = Thread(target=consumer.line.join, args=(5,), daemon=True)
    joining.start()
    program.clock.until_waiting(1)
    while joining.is_alive():
        program.clock.advance(5)
        joining.join(0.01)
    consumer._pool.run_one()
    for thread in ours():
        thread.join(PATIENCE)
    assert program.server.acked == []


@pytest.mark.parametrize("seen", [False, True])
def test_what_ends_after_the_deadline_frees_its_permit(consume, program, seen):
    """Other queues share the permits of an executor; the settling thread may have ended, or not have been there yet."""
    consumer, more = consume(concurrent_num=3), [message({"x": x}) for x in range(3)]
    program.server.put("q", *more)
    consumer._pool.wait_for(3)
    consumer.stop()
    line, done = consumer.line, consumer.line._done
    if not seen:
        line._done = SimpleQueue()  # the settling thread waits at the other one
    joining = Thread(target=line.join, args=(5,), daemon=True)
    joining.start()
    program.clock.until_waiting(1)
    while joining.is_alive():
        program.clock.advance(5)
        joining.join(0.01)
    if seen:
        for thread in ours():
            thread.join(PATIENCE)
    for left in (2, 1, 0):
        assert line.permits.out == left + 1
        consumer._pool.run_one()
        assert line.permits.out == left
    if not seen:
        assert line._done.get(timeout=PATIENCE) is None, "the settling thread is still told"
        done.put(None)


@pytest.mark.parametrize("last", ["fetch", "settle"])
def test_a_thread_that_cannot_be_started_leaves_no_other_behind(program, monkeypatch, last):
    def refusing(target, name, daemon):
        thread = Thread(target=target, name=name, daemon=daemon)
        if name.endswith(last):
            thread.start = lambda: (_ for _ in ()).throw(RuntimeError("can't start new thread"))
        return thread

    monkeypatch.setattr(dispatch, "Thread", refusing)
    booster = program.booster(concurrent_mode="byhand")
    with pytest.raises(RuntimeError, match="start new thread"):
        booster.consume()
    for thread in ours():
        thread.join(PATIENCE)
    put(program, 1)
    assert len(program.server.bodies("q")) == 1
    assert program.server.fetches == []


def test_a_resize_holds_for_what_is_fetched_next(consume, program):
    consumer = consume(concurrent_num=1)
    put(program, *range(5))
    consumer._pool.wait_for(1)
    consumer.line.resize(3)
    consumer._pool.wait_for(3)
    assert consumer.line.running == 3


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
