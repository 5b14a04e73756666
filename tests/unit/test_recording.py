"""recording: the user's function is told of finished messages, plain or coroutine, on the right loop; errors are its own."""

from __future__ import annotations

import asyncio
import threading

import pytest
from support.program import message

from funboost_core import Ack, Drop, Outcome, Requeue, Retry
from funboost_core.consuming import recording
from funboost_core.consuming.inline import InlinePool


def same(call):
    return call


def told(line, verdict=None, error=None):
    (step,) = line.planner.plain.finish
    step(line.fetched(message(task_id="t")), Outcome(3, error, 1.0, 2.0, 1), verdict or Ack())


def test_a_plain_function_is_told_of_what_is_finished(program):
    seen = []
    line = program.line(user_custom_record_process_info_func=seen.append)
    for verdict in (Retry(), Requeue(), Drop("failed"), Ack()):
        told(line, verdict)
    assert [status.task_id for status in seen] == ["t", "t"]
    assert (seen[-1].result, seen[-1].run_status) == (3, "finish")


def test_a_coroutine_function_is_called_as_the_pool_calls_those(program):
    seen = []

    async def record(status):
        await asyncio.sleep(0)
        seen.append((status.task_id, threading.get_ident()))

    pool = InlinePool()
    told(program.line(user_custom_record_process_info_func=record, adapt=pool.adapt))
    assert seen == [("t", threading.get_ident())]
    pool.close()


@pytest.fixture
def loop():
    """A loop that runs on a thread, as a pool's does."""
    made = asyncio.new_event_loop()
    thread = threading.Thread(target=made.run_forever)
    thread.start()
    yield made
    made.call_soon_threadsafe(made.stop)
    thread.join(30)
    made.close()


def on_the_loop(program, loop, record):
    async def task(x):
        return x

    line = program.line(task, user_custom_record_process_info_func=record)
    assert asyncio.run_coroutine_threadsafe(line.planner.plain.call(x=5), loop).result(30) == 5
    return line


def test_a_coroutine_function_runs_on_the_loop_of_the_task(program, loop):
    seen = []

    async def record(status):
        seen.append((status.task_id, asyncio.get_running_loop()))

    told(on_the_loop(program, loop, record))
    assert seen == [("t", loop)]


def test_one_that_does_not_end_is_given_up(program, loop, monkeypatch):
    monkeypatch.setattr(recording, "LONGEST", 0.01)

    async def record(status):
        await asyncio.sleep(1000)

    async def others_end():  # it may have been cancelled before its first step
        while len(asyncio.all_tasks()) > 1:
            await asyncio.sleep(0)

    line = on_the_loop(program, loop, record)
    with pytest.raises(Exception) as caught:  # concurrent.futures.TimeoutError is TimeoutError only later
        told(line)
    assert "Timeout" in type(caught.value).__name__
    asyncio.run_coroutine_threadsafe(others_end(), loop).result(30)


def test_greenlets_have_no_loop_and_one_is_made(program):
    seen = []

    async def record(status):
        seen.append(status.task_id)

    told(program.line(lambda x: x, adapt=same, user_custom_record_process_info_func=record))
    assert seen == ["t"]
