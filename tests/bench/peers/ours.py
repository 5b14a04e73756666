"""This project: the core with the installed plugins; state in the same place as the messages."""

from __future__ import annotations

import logging
import os
import sys
import time
from typing import Any, Callable

import common
from common import Figure, Runs

from funboost_core import Booster, BoosterParams, Environment, boost

DECORATED = """
from funboost_core import boost, BoosterParams
@boost(BoosterParams(queue_name="add"))
def add(x: int, y: int = 2) -> int:
    return x + y
"""
AT_ONCE = 1000  # messages in a push_many that fills a queue


def task(
    function: Callable[..., Any],
    folder: str,
    durability: str = "",
    mode: str = "threading",
    redis: str = "",
    at_once: bool = False,
    **params: Any,
) -> Booster[Any, Any, Any]:
    """The task of all cases; `durability` NORMAL or FULL for SQLite, `redis` a kind of broker on Redis (`at_once`:
    not confirmed), else memory."""
    logging.basicConfig(level=logging.WARNING)
    environment = Environment({"STATE_URL": "sqlite://" if durability else "memory://", "DATA_DIR": folder})
    if durability:
        params["broker_exclusive_config"] = {"synchronous": durability}
    kind = redis or ("SQLITE_QUEUE" if durability else "MEMORY_QUEUE")
    if redis:
        params["broker_exclusive_config"] = {"confirmed": not at_once}
        environment.settings.values.update(REDIS_URL=os.environ["FUNBOOST_TEST_REDIS_URL"], STATE_URL="redis://")
    parameters = BoosterParams(queue_name="bench", broker_kind=kind, concurrent_mode=mode, **params)
    return boost(parameters, environment=environment)(function)


def add(x: int, y: int) -> int:
    """A task."""
    return x + y


def publish(n: int, **options: Any) -> Figure:
    """One `push` a message."""
    push = task(add, **options).push
    push(0, y=2)  # connects
    return common.publish(n, lambda i: push(i, y=2))


def push_many(n: int, **options: Any) -> Figure:
    """One `push_many` a block."""
    push_many = task(add, **options).push_many
    push_many([{"x": 0, "y": 2}])
    return common.publish_blocks(n, lambda numbers: push_many([{"x": i, "y": 2} for i in numbers]))


def consume(n: int, **options: Any) -> Figure:
    """A filled queue is worked off, all acknowledged."""
    runs = Runs(n)
    ours = task(_function(runs, options.get("mode")), **options)
    _fill(ours, n)
    return runs.measure(ours.consume)


def consume_2_processes(n: int, **options: Any) -> Figure:
    """The same by two processes."""
    _fill(task(add, **options), n)
    return common.consume_together("ours", "share", 2, n=n, **options)


def share(n: int, **options: Any) -> dict[str, float]:
    """One of several processes."""
    runs = Runs(n)
    return runs.share(task(_function(runs, options.get("mode")), **options).consume)


def _function(runs: Runs, mode: str | None) -> Callable[..., Any]:
    def body(x: int, y: int) -> None:
        runs(x, y)

    async def coroutine(x: int, y: int) -> None:
        runs(x, y)

    return coroutine if mode == "asyncio" else body


def _fill(ours: Booster[Any, Any, Any], n: int) -> None:
    for start in range(0, n, AT_ONCE):
        ours.push_many([{"x": i, "y": 2} for i in range(start, min(n, start + AT_ONCE))])


def rpc(n: int, **options: Any) -> Figure:
    """A result at a time; client and consumer are threads of one process."""
    ours = task(add, is_using_rpc_mode=True, **options)
    ours.consume()
    return common.round_trips(n, lambda i: ours.push(i, y=2).result)


def rpc_2_processes(n: int, **options: Any) -> Figure:
    """A result at a time; the consumer is another process."""
    server = common.child("ours", "rpc_server", **options)
    assert server.stdout is not None
    server.stdout.readline()
    ours = task(add, is_using_rpc_mode=True, **options)
    try:
        return common.round_trips(n, lambda i: ours.push(i, y=2).result)
    finally:
        server.kill()


def rpc_server(**options: Any) -> None:
    """Consumes until it is killed."""
    task(add, is_using_rpc_mode=True, **options).consume()
    print("ready", file=sys.__stdout__, flush=True)
    time.sleep(600)


def idle(seconds: float, **options: Any) -> Figure:
    """A consumer whose queue is empty."""
    task(add, **options).consume()
    return common.idle(seconds)


def recovery(folder: str, **options: Any) -> Figure:
    """A worker is killed, another one takes over."""
    ours = task(add, folder, **options)
    return common.recovery("ours", lambda i: ours.push(i, y=2), folder, **options)


def cold_start(folder: str, **options: Any) -> Figure:
    """A worker starts and runs what waits."""
    ours = task(add, folder, **options)
    return common.cold_start("ours", lambda i: ours.push(i, y=2), folder, **options)


def worker(folder: str, who: str, seconds: float, **options: Any) -> None:
    """Consumes until it is killed."""
    task(common.worker_function(folder, who, seconds), folder, **options).consume()
    time.sleep(600)


def qps(rate: float, seconds: float, **options: Any) -> Figure:
    """More messages than the rate lets start."""
    times: list[float] = []

    def note(x: int, y: int) -> None:
        times.append(time.perf_counter())

    ours = task(note, qps=rate, **options)
    _fill(ours, int(rate * seconds * 1.5) + 10)
    ours.consume()
    time.sleep(seconds)
    return common.starts(times[:])


def schedules(n: int, step: str, **options: Any) -> Figure:
    """`step`: add, listing or fire."""
    from . import schedules as programs

    return getattr(programs, step)(n, task(add, **options))


def imports(folder: str) -> Figure:
    """A program with one decorated function."""
    return common.wall_of(DECORATED)
