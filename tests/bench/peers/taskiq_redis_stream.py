"""taskiq on a Redis stream, which it acknowledges; results looked for every millisecond (default: 0.2 s)."""

from __future__ import annotations

from typing import Any, Callable

import common
from peers.on_redis import Tool, programs
from taskiq.api import run_receiver_task
from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker


def _make(function: Callable[..., Any], threads: int, results: bool, url: str) -> Tool:
    broker: Any = RedisStreamBroker(url, consumer_id="0")
    if results:
        broker = broker.with_result_backend(RedisAsyncResultBackend(url, result_ex_time=30))

    @broker.task(task_name="add")
    async def add(x: int, y: int) -> Any:
        return function(x, y)

    async def send(i: int) -> Any:
        return await add.kiq(i, 2)

    async def call(i: int) -> Any:
        return (await (await send(i)).wait_result(timeout=10, check_interval=0.001)).return_value

    async def work() -> None:
        broker.is_worker_process = True
        await broker.startup()
        await run_receiver_task(broker, max_async_tasks=threads)

    return Tool(send, work, call, broker.startup)


def imports(folder: str) -> common.Figure:
    """What a program with a task on Redis imports."""
    return common.wall_of("import taskiq_redis")


publish, consume, rpc_2_processes, rpc_server, idle, recovery, cold_start, worker = programs(
    "taskiq_redis_stream", _make
)
