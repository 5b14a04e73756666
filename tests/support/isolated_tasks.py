"""Tasks whose runs happen in other processes, which import this module."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sys
import time
from pathlib import Path
from typing import Any

from funboost_core import BoosterParams, Environment, RequeueTask, TaskOptions, boost, fct

environment = Environment(
    {"BROKER_KIND": "MEMORY_QUEUE", "CONCURRENT_MODE": "threading", "STATE_URL": "memory://", "DRAIN_SECONDS": 5}
)


class Odd(Exception):
    """Cannot be made again from its `args`."""

    def __init__(self, one: int, other: int) -> None:
        super().__init__(f"{one} and {other}")


def twice(function: Any) -> Any:
    return lambda **arguments: 2 * function(**arguments)


def isolated(queue_name: str, **params: Any) -> Any:
    given = {
        "isolation": "process",
        "max_retry_times": 0,
        "is_using_rpc_mode": True,
        "is_print_detail_exception": False,
        "concurrent_num": 2,
        **params,
    }
    return boost(BoosterParams(queue_name=queue_name, **given), environment=environment)


@isolated("where")
def where(x: Any) -> Any:
    print("printed in the process", x)
    return {"pid": os.getpid(), "task_id": fct.task_id, "x": fct.function_params["x"], "parent": os.getppid()}


@isolated("ends")
def ends(how: str) -> Any:
    if how == "exit":
        os._exit(3)
    if how == "sys.exit":
        sys.exit(4)
    if how == "odd":
        raise Odd(1, 2)
    if how == "lambda":
        return lambda: None
    raise ValueError(how)


@isolated("hangs", function_timeout=0.3, is_support_remote_kill_task=True, concurrent_num=4)
def hangs(x: int, memory: int = 0, note: str = "") -> int:
    block = bytearray(memory)
    if x % 10 == 0:
        if note:
            Path(note, str(os.getpid())).touch(exist_ok=False)
        time.sleep(600)
    return len(block)


@isolated("spins", isolation_cpu_seconds=1)
def spins() -> None:
    while True:
        pass


@isolated("grows", isolation_memory_mb=100)
def grows(mb: int) -> int:
    return len(bytearray(mb * 1_000_000))


@isolated("coroutine")
async def coroutine(x: int) -> int:
    await asyncio.sleep(0)
    return x + 1


@isolated("decorated", consuming_function_decorator=twice)
def decorated(x: int) -> int:
    return x


@isolated("requeues", max_retry_times=3)
def requeues(path: str) -> str:
    file = Path(path)
    runs = 1 + (len(file.read_text()) if file.exists() else 0)
    file.write_text("r" * runs)
    if runs == 1:
        raise RequeueTask
    if runs == 2:
        raise ValueError("again")
    return f"run {fct.function_result_status.run_times}"


def hang_some(count: int, seconds: float, folder: Path) -> str:
    """Run `count` tasks of which each tenth hangs: those are killed, the others succeed, memory returns (Linux only)."""
    before, most = _megabytes(os.getpid()), 0.0
    hangs.consume()
    patient = TaskOptions(function_timeout=seconds)  # for those that are only slow to start on a busy machine
    results = [
        hangs.publish({"x": x, "memory": 20_000_000, "note": str(folder)}, options=patient if x % 10 else None)
        for x in range(count)
    ]
    for x, result in enumerate(results):
        status = result.set_timeout(seconds).status_and_result
        assert status is not None
        assert status["success"] == (x % 10 != 0), status
        assert status["success"] or status["exception_type"] == "TaskTimeout"
        most = max(most, sum(_megabytes(process.pid) for process in multiprocessing.active_children()))
    longer = 0.3
    while len(list(folder.iterdir())) <= count // 20:  # on a busy machine few get so far as to say so in time
        longer *= 2
        more = {"x": 0, "memory": 20_000_000, "note": str(folder)}
        result = hangs.publish(more, options=TaskOptions(function_timeout=longer))
        assert not result.set_timeout(seconds).is_success()
    (consumer,) = environment.worker.consumers()
    processes, end = consumer.canceller.processes, time.monotonic() + seconds
    assert processes is not None
    hung = {int(path.name) for path in folder.iterdir()}
    while processes._busy or any(Path(f"/proc/{pid}").exists() for pid in hung):  # they are really killed
        assert time.monotonic() < end
        time.sleep(0.01)
    assert consumer.describe()["abandoned"] == 0
    assert len(multiprocessing.active_children()) <= 4
    assert most < 4 * 150
    grown = _megabytes(os.getpid()) - before
    assert grown < 50
    return f"{count} tasks, {len(hung)} processes killed, at most {most:.0f} MB in them, {grown:.1f} MB more here"


def _megabytes(pid: int | None) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 1e6
    except (FileNotFoundError, ProcessLookupError, IndexError):  # it has been killed in between
        return 0.0
