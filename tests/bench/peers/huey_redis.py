"""Huey on Redis: it removes a message when it fetches it; results by its notification, else it polls."""

from __future__ import annotations

from typing import Any, Callable

import common
from huey import RedisHuey
from peers.on_redis import Tool, forever, programs


def _make(function: Callable[..., Any], threads: int, results: bool, url: str) -> Tool:
    huey = RedisHuey("bench", url=url, results=results, notify_result=results)
    task = huey.task(name="add")(lambda x, y: function(x, y))

    def work() -> None:
        huey.create_consumer(workers=threads, periodic=False).start()
        forever()

    return Tool(lambda i: task(i, 2), work, lambda i: task(i, 2).get(blocking=True, timeout=10))


def imports(folder: str) -> common.Figure:
    """What a program with a task on Redis imports."""
    return common.wall_of("from huey import RedisHuey")


publish, consume, rpc_2_processes, rpc_server, idle, recovery, cold_start, worker = programs("huey_redis", _make)
