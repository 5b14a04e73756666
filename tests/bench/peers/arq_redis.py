"""arq, polling every millisecond: its default of half a second would make every figure one of that."""

from __future__ import annotations

from typing import Any, Callable

import common
from arq import create_pool, func
from arq.connections import RedisSettings
from arq.worker import Worker
from peers.on_redis import Tool, programs

POLL = 0.001


def _make(function: Callable[..., Any], threads: int, results: bool, url: str) -> Tool:
    settings = RedisSettings.from_dsn(url)
    pools: list[Any] = []

    async def add(ctx: dict[str, Any], x: int, y: int) -> Any:
        return function(x, y)

    async def opened() -> None:
        pools.append(await create_pool(settings))

    async def send(i: int) -> Any:
        return await pools[0].enqueue_job("add", i, 2)

    async def call(i: int) -> Any:
        return await (await send(i)).result(timeout=10, poll_delay=POLL)

    async def work() -> None:
        task = func(add, name="add", keep_result=30 if results else 0)
        await Worker([task], redis_settings=settings, max_jobs=threads, poll_delay=POLL, handle_signals=False).main()

    return Tool(send, work, call, opened)


def imports(folder: str) -> common.Figure:
    """What a program with a task imports."""
    return common.wall_of("import arq")


publish, consume, rpc_2_processes, rpc_server, idle, recovery, cold_start, worker = programs("arq_redis", _make)
