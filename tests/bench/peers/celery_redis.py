"""Celery on Redis: the solo pool, or threads.  By default it acknowledges a message before it runs."""

from __future__ import annotations

from typing import Any, Callable

import common
from celery import Celery
from peers.on_redis import Tool, programs


def _make(function: Callable[..., Any], threads: int, results: bool, url: str) -> Tool:
    app = Celery("bench", broker=url, backend=url if results else None)
    app.conf.update(task_ignore_result=not results, broker_connection_retry_on_startup=True)

    @app.task(name="add")
    def task(x: int, y: int) -> Any:
        return function(x, y)

    pool = ["--pool=solo"] if threads == 1 else ["--pool=threads", f"--concurrency={threads}"]
    quiet = ["-l", "ERROR", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    return Tool(
        lambda i: task.delay(i, 2),
        lambda: app.worker_main(["worker", *pool, *quiet]),
        lambda i: task.delay(i, 2).get(timeout=10),
    )


def imports(folder: str) -> common.Figure:
    """What a program with a task on Redis imports."""
    return common.wall_of("import celery, celery.app.base, kombu.transport.redis")


publish, consume, rpc_2_processes, rpc_server, idle, recovery, cold_start, worker = programs("celery_redis", _make)
