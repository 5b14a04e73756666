"""funboost_testing.eager: tasks of a program run when the test says so."""

from __future__ import annotations

import threading

import pytest
from funboost_testing.eager import Eager

from funboost_core import BoosterParams, DeadLetterTask, Environment, boost
from funboost_core.environment import using
from funboost_core.errors import NotSerializable


@pytest.fixture
def program():
    """A program with tasks whose broker is not to be touched."""
    environment = Environment({"STATE_URL": "nowhere://", "BROKER_KIND": "UNREACHABLE", "CONCURRENT_MODE": "threading"})
    with using(environment):
        yield environment
    environment.close()


def add(x, y=2):
    return x + y


def test_nothing_runs_before_run_and_then_in_this_thread(program):
    threads = []
    task = boost(BoosterParams(queue_name="add", qps=0.001))(lambda x: threads.append(threading.get_ident()) or x)
    with Eager() as eager:
        task.push(1)
        task.push_many([{"x": 2}, {"x": 3}])
        assert eager.published(task) == [{"x": 1}, {"x": 2}, {"x": 3}]
        assert [message["x"] for message in eager.waiting(task)] == [1, 2, 3]
        assert not threads
        assert eager.run() == 3
        assert eager.waiting(task) == []
        assert eager.results(task) == [1, 2, 3]
        assert set(threads) == {threading.get_ident()}


def test_afterwards_the_task_is_what_it_was(program):
    task = boost(BoosterParams(queue_name="add", qps=3))(add)
    before = task.boost_params
    with Eager():
        task.push(1)
    assert task.boost_params is before
    assert task.task.environment is program
    assert program.registry["add"] is task
    assert "EAGER_QUEUE" not in program.manager.specs("brokers")


def test_tasks_declared_in_the_block_are_taken_in_whatever_their_broker(program):
    with Eager() as eager:
        task = boost(BoosterParams(queue_name="inside", broker_kind="UNREACHABLE"))(add)
        task.push(1)
        eager.run()
        assert eager.results(task) == [3]


def test_what_tasks_publish_is_worked_off_too(program):
    first = boost(BoosterParams(queue_name="first"))(lambda x: second.push(x + 1) and x)
    second = boost(BoosterParams(queue_name="second"))(lambda x: x)
    with Eager() as eager:
        first.push(1)
        assert eager.run() == 2
        assert eager.results(second) == [2]


def test_only_the_tasks_that_are_named_run(program):
    first = boost(BoosterParams(queue_name="first"))(lambda x: x)
    second = boost(BoosterParams(queue_name="second"))(lambda x: x)
    with Eager() as eager:
        first.push(1)
        second.push(1)
        assert eager.run(second) == 1
        assert not eager.runs(first)


def test_a_retry_waits_for_the_clock(program):
    def fail(x):
        raise ValueError(x)

    task = boost(
        BoosterParams(queue_name="fail", max_retry_times=2, retry_interval=60, is_print_detail_exception=False)
    )(fail)
    with Eager() as eager:
        task.push(7)
        counts = [
            len(eager.runs(task)) for _ in range(4) if eager.run() is not None and (eager.clock.advance(60) or True)
        ]
        assert counts == [1, 2, 3, 3]
        assert all(isinstance(run.error, ValueError) and run.arguments == {"x": 7} for run in eager.runs(task))


def test_dead_letters_show_their_reason_and_stay(program):
    def give_up(x):
        raise DeadLetterTask

    task = boost(BoosterParams(queue_name="dead"))(give_up)
    with Eager() as eager:
        task.push(7)
        eager.run()
        for _ in range(2):
            (letter,) = eager.dead_letters(task)
            assert letter["x"] == 7
            assert letter["extra"]["dead_letter"]["reason"] == "the task asked for it"


def test_coroutine_functions_run_to_their_end(program):
    import asyncio

    async def later(x):
        await asyncio.sleep(0)
        return x

    task = boost(BoosterParams(queue_name="later"))(later)
    with Eager() as eager:
        task.push(1)
        eager.run()
        assert eager.results(task) == [1]


def test_what_json_cannot_carry_is_found(program):
    task = boost(BoosterParams(queue_name="add"))(add)
    with Eager(), pytest.raises(NotSerializable):
        task.push(_ for _ in "")


def test_results_can_be_waited_for(program):
    task = boost(BoosterParams(queue_name="add", is_using_rpc_mode=True))(add)
    with Eager() as eager:
        result = task.push(1)
        eager.run()
        assert result.result == 3


def test_a_task_that_feeds_itself_for_ever_is_told(program, monkeypatch):
    monkeypatch.setattr("funboost_testing.eager.MOST", 100)
    task = boost(BoosterParams(queue_name="loop"))(lambda x: task.push(x + 1) and None)
    with Eager() as eager:
        task.push(1)
        with pytest.raises(RuntimeError, match="for ever"):
            eager.run()
