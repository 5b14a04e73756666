"""context: fct is the task that runs here, and nothing anywhere else."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.program import message

from funboost_core import fct, get_current_taskid
from funboost_core.consuming.execution import run
from funboost_core.context import current
from funboost_core.native import Thread

NAMES = ["task_id", "full_msg", "function_params", "function_result_status", "logger", "queue_name"]


@pytest.mark.parametrize("name", NAMES)
def test_outside_a_task_there_is_none(name):
    with pytest.raises(LookupError, match="fct is used outside a running task"):
        getattr(fct, name)
    assert get_current_taskid() == "no_task_id"


def in_task(program, function, body=None):
    """What `function` returns when it is run as a task."""
    outcome = run(program.line(function, is_using_rpc_mode=True).fetched(body or message(task_id="t")))
    if outcome.error is not None:
        raise outcome.error
    return outcome.result


def test_inside_a_task_everything_is_known(program):
    seen = in_task(program, lambda x: [getattr(fct, name) for name in NAMES])
    task_id, full, params, status, logger, queue = seen
    assert task_id == "t"
    assert full["x"] == 1
    assert full["extra"]["task_id"] == "t"
    assert params == {"x": 1}
    assert (status.run_status, status.task_id) == ("running", "t")
    assert logger is logging.getLogger("funboost.q")
    assert queue == "q"
    assert in_task(program, lambda x: get_current_taskid()) == "t"


def test_it_ends_with_the_task_also_when_the_task_fails(program):
    with pytest.raises(ZeroDivisionError):
        in_task(program, lambda x: 1 / 0)
    assert current.get(None) is None


def test_tasks_within_tasks_do_not_lose_the_outer_one(program):
    def outer(x):
        inner = in_task(program, lambda x: fct.task_id, message(task_id="inner"))
        return inner, fct.task_id

    assert in_task(program, outer) == ("inner", "t")


def on_thread(function):
    seen = []
    thread = Thread(target=lambda: seen.append(function()))
    thread.start()
    thread.join()
    return seen[0]


def test_a_thread_of_ones_own_needs_bind(program):
    def task(x):
        bound = fct.bind(get_current_taskid)
        assert bound.__name__ == "get_current_taskid"
        return on_thread(bound), contextvars.Context().run(get_current_taskid)

    assert in_task(program, task) == ("t", "no_task_id")


def test_a_bound_function_may_be_called_by_many_threads_at_once_and_later(program):
    bound = in_task(program, lambda x: fct.bind(get_current_taskid))
    assert get_current_taskid() == "no_task_id"
    with ThreadPoolExecutor(4) as pool:
        assert [job.result() for job in [pool.submit(bound) for _ in range(20)]] == ["t"] * 20


def test_coroutines_of_a_task_have_it_and_asyncio_to_thread_too(program):
    def task(x):
        async def main():
            return await asyncio.gather(asyncio.to_thread(get_current_taskid), asyncio.create_task(step()))

        async def step():
            await asyncio.sleep(0)
            return fct.task_id

        return asyncio.run(main())

    assert in_task(program, task) == ["t", "t"]


def test_threads_do_not_see_each_others_tasks(program):
    def task(x):
        return on_thread(lambda: contextvars.Context().run(lambda: in_task(program, lambda x: fct.task_id, other)))

    other = message(task_id="other")
    assert in_task(program, task) == "other"
