"""SAQ: coroutines; acknowledged after the run."""

from __future__ import annotations

from typing import Any, Callable

import common
from peers.on_redis import Tool, programs
from saq import Queue, Worker


def _make(function: Callable[..., Any], threads: int, results: bool, url: str) -> Tool:
    queue = Queue.from_url(url)

    async def add(ctx: Any, *, x: int, y: int) -> Any:
        return function(x, y)

    async def send(i: int) -> Any:
        return await queue.enqueue("add", x=i, y=2, ttl=-1)

    async def call(i: int) -> Any:
        return await queue.apply("add", x=i, y=2, timeout=10)

    async def work() -> None:
        await queue.connect()
        await Worker(queue, [("add", add)], concurrency=threads).start()

    return Tool(send, work, call, queue.connect)


def imports(folder: str) -> common.Figure:
    """What a program with a task imports."""
    return common.wall_of("import saq")


publish, consume, rpc_2_processes, rpc_server, idle, recovery, cold_start, worker = programs("saq_redis", _make)
