"""isolation="process": runs in processes that are used again, really killed, limited, and gone when the consumer ends."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from typing import Any

import isolated_tasks as tasks
import pytest

from funboost_core import BoosterParams, ConfigError, TaskOptions, boost
from funboost_core.consuming import kills
from funboost_core.consuming.attempts import Attempt
from funboost_core.errors import TaskTimeout
from funboost_core.isolation import processes
from funboost_core.ports.broker import Delivery

WAIT = 40
"""Seconds; a process takes a while to start on a busy machine."""
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")


@pytest.fixture(autouse=True)
def _ended():
    yield
    tasks.environment.close()
    assert multiprocessing.active_children() == []


def status(result: Any) -> dict[str, Any]:
    found = result.set_timeout(WAIT).status_and_result
    assert found is not None
    return found


def pool() -> processes.Processes:
    (consumer,) = tasks.environment.worker.consumers()
    assert consumer.canceller.processes is not None
    return consumer.canceller.processes


def pids() -> set[int]:
    return {process.pid for process in multiprocessing.active_children()}


def until(condition: Any) -> None:
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_process_is_used_again_and_fct_works_there(capfd):
    results = [tasks.where.push(x) for x in range(6)]
    tasks.where.consume()
    found = [status(one)["result"] for one in results]
    assert [one["x"] for one in found] == list(range(6))
    assert [one["task_id"] for one in found] == [one.task_id for one in results]
    assert {one["parent"] for one in found} == {os.getpid()}
    assert 1 <= len({one["pid"] for one in found}) <= 2
    assert capfd.readouterr().out.count("printed in the process") == 6


@pytest.mark.parametrize(
    ("how", "kind", "text"),
    [
        ("exit", "ProcessDied", "exit code 3"),
        ("sys.exit", "SystemExit", "4"),
        ("odd", "Odd", "1 and 2"),
        ("lambda", "TypeError", "the result, a function, cannot be sent"),
        ("value", "ValueError", "value"),
    ],
)
def test_how_a_run_ends(how, kind, text):
    tasks.ends.consume()
    found = status(tasks.ends.push(how))
    assert not found["success"]
    assert found["exception_type"] == kind
    assert text in found["exception_msg"]
    assert tasks.ends.get_message_count() == 0


@linux
def test_what_hangs_is_really_killed_and_its_memory_returns(tmp_path):
    """In the long form, `tests/chaos/test_isolation_long.py`, a thousand."""
    tasks.hang_some(40, WAIT, tmp_path)


def test_a_run_is_killed_from_elsewhere():
    result = tasks.hangs.publish({"x": 0}, options=TaskOptions(function_timeout=0))
    tasks.hangs.consume()
    until(lambda: pool()._busy)
    before = pids()
    kills.order(tasks.environment, "hangs", result.task_id)
    assert status(result)["exception_type"] == "TaskKilled"
    until(lambda: not pids() & before)


def test_processor_time_is_limited():
    tasks.spins.consume()
    assert "isolation_cpu_seconds=1" in status(tasks.spins.push())["exception"]


def test_memory_is_limited_and_the_process_is_replaced():
    tasks.grows.consume()
    assert status(tasks.grows.push(10))["result"] == 10_000_000
    before = pids()
    found = status(tasks.grows.push(400))
    assert found["exception_type"] in {"MemoryError", "ProcessDied"}
    assert status(tasks.grows.push(10))["success"]
    assert not pids() & before


def test_coroutines_and_decorators():
    tasks.coroutine.consume()
    tasks.decorated.consume()
    assert status(tasks.coroutine.push(1))["result"] == 2
    assert status(tasks.decorated.push(4))["result"] == 8


def test_a_task_decides_what_becomes_of_its_message(tmp_path):
    tasks.requeues.consume()
    assert status(tasks.requeues.push(str(tmp_path / "runs")))["result"] == "run 2"


def test_a_process_that_is_killed_from_outside_is_a_failed_run():
    result = tasks.hangs.publish({"x": 0}, options=TaskOptions(function_timeout=0))
    tasks.hangs.consume()
    until(lambda: pool()._busy)
    (process,) = multiprocessing.active_children()
    process.kill()
    assert status(result)["exception_type"] == "ProcessDied"


def test_a_process_that_is_told_to_end_is_not_used_again(monkeypatch):
    """The run ends by itself just when it is to be killed: the kill must not reach the next one."""
    tasks.where.consume()
    before = status(tasks.where.push(1))["result"]["pid"]
    until(lambda: pool()._idle)
    child = pool().take()
    with monkeypatch.context() as patch:
        patch.setattr(child._process, "kill", lambda: None)  # it is on its way
        attempt = Attempt(Delivery(b""), child)
        attempt.interrupt(TaskTimeout(seconds=1))
        error = attempt.end()
    pool().give_back(child, error)
    assert status(tasks.where.push(2))["result"]["pid"] != before


def test_an_idle_process_that_is_gone_is_not_used(monkeypatch):
    """To others it seems to live while one thread is just reaping it."""
    tasks.where.consume()
    status(tasks.where.push(1))
    until(lambda: pool()._idle)
    (child,) = pool()._idle
    monkeypatch.setattr(child._process, "is_alive", lambda: True)
    child._process.kill()
    child._process.join()
    assert status(tasks.where.push(2))["success"]


def test_the_end_of_the_consumer_kills_what_still_runs():
    tasks.hangs.publish({"x": 0}, options=TaskOptions(function_timeout=0))
    tasks.hangs.consume()
    until(lambda: pool()._busy)
    assert not tasks.environment.worker.stop(0)
    assert pids() == set()
    assert tasks.hangs.get_message_count() == 1  # it was not settled
    tasks.hangs.clear()


def test_a_process_that_was_idle_for_long_ends(monkeypatch):
    tasks.where.consume()
    status(tasks.where.push(1))
    until(lambda: pool()._idle)
    assert pids()
    monkeypatch.setattr(processes, "IDLE", 0)
    pool().tidy()
    assert pids() == set()


def test_what_cannot_be_imported_is_refused():
    task = boost(BoosterParams(queue_name="local", isolation="process"), environment=tasks.environment)(lambda x: x)
    with pytest.raises(ConfigError, match="top level of a module"):
        task.consume()


def test_modes_without_threads_are_refused():
    params = tasks.coroutine.task.params.model_copy(update={"queue_name": "loop", "concurrent_mode": "asyncio"})
    task = boost(params, environment=tasks.environment)(tasks.coroutine.task.function)
    with pytest.raises(ConfigError, match="isolation='process' needs a concurrency mode with threads"):
        task.consume()
