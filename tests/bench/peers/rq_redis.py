"""RQ: one job at a time, in the worker's own process (`SimpleWorker`)."""

from __future__ import annotations

from typing import Any, Callable

import common
import redis
from peers.on_redis import Tool, programs
from rq import Queue, SimpleWorker

_functions: list[Callable[..., Any]] = []


def add(x: int, y: int) -> Any:
    """The task, named in messages by its path."""
    return _functions[0](x, y)


def _make(function: Callable[..., Any], threads: int, results: bool, url: str) -> Tool:
    _functions[:] = [function]
    connection = redis.Redis.from_url(url)
    queue = Queue(connection=connection)

    def call(i: int) -> Any:
        result = queue.enqueue("peers.rq_redis.add", i, 2, result_ttl=30).latest_result(timeout=10)
        return result and result.return_value

    return Tool(
        lambda i: queue.enqueue("peers.rq_redis.add", i, 2, result_ttl=0),
        lambda: SimpleWorker([queue], connection=connection).work(logging_level="ERROR"),
        call,
    )


def imports(folder: str) -> common.Figure:
    """What a program with a task imports."""
    return common.wall_of("import rq")


publish, consume, rpc_2_processes, rpc_server, idle, recovery, cold_start, worker = programs("rq_redis", _make)
