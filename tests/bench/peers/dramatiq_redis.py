"""Dramatiq on Redis: its worker threads in one process; acknowledged after the run."""

from __future__ import annotations

from typing import Any, Callable

import common
import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend
from peers.on_redis import Tool, forever, programs


def _make(function: Callable[..., Any], threads: int, results: bool, url: str) -> Tool:
    broker = RedisBroker(url=url)
    if results:
        broker.add_middleware(Results(backend=RedisBackend(url=url)))
    dramatiq.set_broker(broker)
    options = {"store_results": True} if results else {}
    actor = dramatiq.actor(lambda x, y: function(x, y), actor_name="add", **options)

    def work() -> None:
        dramatiq.Worker(broker, worker_threads=threads).start()
        forever()

    return Tool(lambda i: actor.send(i, 2), work, lambda i: actor.send(i, 2).get_result(block=True, timeout=10_000))


def imports(folder: str) -> common.Figure:
    """What a program with a task on Redis imports."""
    return common.wall_of("import dramatiq, dramatiq.brokers.redis")


publish, consume, rpc_2_processes, rpc_server, idle, recovery, cold_start, worker = programs("dramatiq_redis", _make)
