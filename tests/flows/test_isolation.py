"""isolation="process": runs in processes that are used again, really killed, limited, and gone when the consumer ends."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from threading import Event, Thread
from threading import enumerate as enumerate_threads
from types import SimpleNamespace
from typing import Any

import isolated_tasks as tasks
import pytest

from funboost_core import BoosterParams, ConfigError, TaskOptions, boost
from funboost_core.consuming import kills
from funboost_core.consuming.attempts import Attempt
from funboost_core.context import current
from funboost_core.errors import TaskTimeout
from funboost_core.isolation import child, processes
from funboost_core.isolation.limits import ending
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
    one = pool().take()
    with monkeypatch.context() as patch:
        patch.setattr(one._process, "kill", lambda: None)  # it is on its way
        attempt = Attempt(Delivery(b""), one)
        attempt.interrupt(TaskTimeout(seconds=1))
        error = attempt.end()
    pool().give_back(one, error)
    assert status(tasks.where.push(2))["result"]["pid"] != before


def test_an_idle_process_that_is_gone_is_not_used(monkeypatch):
    """To others it seems to live while one thread is just reaping it."""
    tasks.where.consume()
    status(tasks.where.push(1))
    until(lambda: pool()._idle)
    (one,) = pool()._idle
    monkeypatch.setattr(one._process, "is_alive", lambda: True)
    one._process.kill()
    one._process.join()
    assert status(tasks.where.push(2))["success"]


def test_arguments_that_cannot_be_read_there_fail_the_run():
    """Were the process to give up reading, the run would wait for ever."""
    tasks.where.consume()
    found = status(tasks.where.push(tasks.Odd(1, 2)))
    assert found["exception_type"] == "TypeError"
    assert "'other'" in found["exception_msg"]
    assert status(tasks.where.push(1))["success"]


def test_arguments_for_which_there_is_no_memory_end_the_process(monkeypatch):
    def full():
        raise MemoryError

    codes = []
    monkeypatch.setattr(child.os, "_exit", codes.append)
    child._receive(SimpleNamespace(recv_bytes=full), SimpleQueue())
    assert ["isolation_memory_mb=8" in ending(code, 8, None) for code in codes] == [True]


def test_a_run_that_reads_its_result_keeps_the_pipe_while_all_is_ended(monkeypatch):
    tasks.where.consume()
    status(tasks.where.push(1))
    until(lambda: pool()._idle)
    one, reading, ended = pool().take(), Event(), Event()
    read = one._pipe._recv_bytes

    def slowly(*arguments):
        reading.set()
        assert ended.wait(WAIT)
        return read(*arguments)

    def run():
        delivery = Delivery(b"")
        delivery.extra, delivery.arguments, delivery.runs = {"task_id": "t"}, {"x": 2}, 0
        current.set(delivery)
        return one.run(x=2)

    monkeypatch.setattr(one._pipe, "_recv_bytes", slowly)
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(run)
        assert reading.wait(WAIT)
        pool().close()
        ended.set()
        assert running.result()["task_id"] == "t"
    pool().give_back(one, None)
    assert one._pipe.closed


def test_a_look_for_idle_processes_while_a_run_takes_the_only_one(monkeypatch):
    class Idle(deque):
        def __len__(self):
            number = super().__len__()
            if number and takers.keys() == {"may"}:
                takers["does"] = Thread(target=lambda: taken.append(idle.take()))
                takers["does"].start()
                takers["does"].join(0.3)
            return number

        def __bool__(self):  # a deque of Python 3.9 does not ask for its length
            return len(self) > 0

    tasks.where.consume()
    idle, taken, takers = pool(), [], {}
    monkeypatch.setattr(processes, "IDLE", 1000)
    status(tasks.where.push(1))
    until(lambda: idle._idle)
    monkeypatch.setattr(idle, "_idle", Idle(idle._idle))
    takers["may"] = True
    idle.tidy()
    takers["does"].join()
    (one,) = taken
    idle.give_back(one, None)
    assert list(idle._idle) == [one]


def test_one_that_is_killed_has_ended_also_where_another_thread_reaps_it(monkeypatch):
    tasks.where.consume()
    status(tasks.where.push(1))
    until(lambda: pool()._idle)
    one, looks = pool().take(), []
    poll = one._process._popen.poll

    def later(*arguments):
        looks.append(arguments)
        return poll(*arguments) if len(looks) > 5 else None

    monkeypatch.setattr(one._process._popen, "poll", later)
    one.kill()
    assert pids() == set()
    pool().give_back(one, None)


def test_the_end_of_the_consumer_kills_what_still_runs():
    result = tasks.hangs.publish({"x": 0}, options=TaskOptions(function_timeout=0))
    tasks.hangs.consume()
    until(lambda: pool()._busy)
    assert not tasks.environment.worker.stop(0)
    assert pids() == set()
    until(lambda: not any(thread.name.startswith("funboost-hangs") for thread in enumerate_threads()))
    assert tasks.hangs.get_message_count() == 1  # it was not settled
    assert result.is_pending()  # nor is anybody told that it failed: it runs again
    tasks.hangs.clear()


def test_the_end_of_the_consumer_kills_what_is_just_starting(monkeypatch):
    starting, ended = Event(), Event()

    def answer(self, answer=processes.Child._answer):
        starting.set()
        assert ended.wait(WAIT)
        return answer(self)

    monkeypatch.setattr(processes.Child, "_answer", answer)
    tasks.where.push(1)
    tasks.where.consume()
    assert starting.wait(WAIT)
    assert not tasks.environment.worker.stop(0)
    assert pids() == set()
    ended.set()
    assert tasks.where.get_message_count() == 1
    tasks.where.clear()


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
