"""What the peers on Redis share: from what a peer can do to the programs that are measured.

A peer's worker keeps the main thread, as it would in its own command; what is measured is told from another thread.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import sys
import threading
import time
from collections.abc import Awaitable, Coroutine
from typing import Any, Callable, NamedTuple

import common
from common import Figure, Runs

URL = "FUNBOOST_TEST_REDIS_URL"
_THREADS = {"single_thread": 1, "threading": 50, "asyncio": 100}


class Tool(NamedTuple):
    """`send(i)` publishes; `work()` consumes and does not return; `call(i)` returns the result. Coroutines may be given."""

    send: Callable[[int], Any]
    work: Callable[[], Any]
    call: Callable[[int], Any]
    open: Callable[[], Awaitable[Any]] | None = None


Make = Callable[[Callable[..., Any], int, bool, str], Tool]
"""From the function that a task runs, how many at once, whether results are wanted, and the server's URL."""
Programs = tuple[
    Callable[..., Figure],
    Callable[..., None],
    Callable[..., Figure],
    Callable[..., None],
    Callable[..., None],
    Callable[..., Figure],
    Callable[..., Figure],
    Callable[..., None],
]


def add(x: int, y: int) -> int:
    """A task."""
    return x + y


def programs(module: str, make: Make) -> Programs:
    """``publish, consume, rpc_2_processes, rpc_server, idle, recovery, cold_start, worker`` of the peer in `module`."""

    def tool(function: Callable[..., Any] = add, mode: str = "threading", results: bool = False) -> Tool:
        return make(function, _THREADS[mode], results, os.environ[URL])

    def publish(n: int, **_: Any) -> Figure:
        return _publish(tool(), n)

    def consume(n: int, mode: str, **_: Any) -> None:
        runs = Runs(n)
        its = tool(runs, mode)
        runs.total = int(_publish(its, n, first=False)["messages"])
        _watched(its.work, lambda: runs.measure(lambda: None))

    def rpc_2_processes(n: int, **options: Any) -> Figure:
        server = common.child(module, "rpc_server", **options)
        assert server.stdout is not None
        server.stdout.readline()
        try:
            call = _plain(tool(results=True), "call")
            return common.round_trips(n, call)
        finally:
            server.kill()

    def rpc_server(**_: Any) -> None:
        its = tool(mode="threading", results=True)
        print("ready", file=sys.__stdout__, flush=True)
        _run(its.work)

    def idle(seconds: float, **_: Any) -> None:
        _watched(tool().work, lambda: common.idle(seconds))

    def recovery(folder: str, **_: Any) -> Figure:
        return common.recovery(module, _plain(tool(), "send"), folder)

    def cold_start(folder: str, **_: Any) -> Figure:
        return common.cold_start(module, _plain(tool(), "send"), folder)

    def worker(folder: str, who: str, seconds: float) -> None:
        _run(tool(common.worker_function(folder, who, seconds)).work)

    return publish, consume, rpc_2_processes, rpc_server, idle, recovery, cold_start, worker


def forever() -> None:
    """For workers that have threads of their own."""
    while True:
        time.sleep(60)


def _watched(work: Callable[[], Any], measure: Callable[[], Figure]) -> None:
    threading.Thread(target=lambda: common.tell(measure()), daemon=True).start()
    _run(work)
    time.sleep(60)  # a worker that ends when the queue is empty


def _publish(tool: Tool, n: int, first: bool = True) -> Figure:
    if not inspect.iscoroutinefunction(tool.send):
        if first:
            tool.send(0)
        return common.publish(n, tool.send)
    _open(tool)

    async def block(numbers: range) -> None:
        for i in numbers:
            await tool.send(i)

    if first:
        _wait(block(range(1)))
    return common.publish_blocks(n, lambda numbers: _wait(block(numbers)))


def _plain(tool: Tool, name: str) -> Callable[[int], Any]:
    function = getattr(tool, name)
    if not inspect.iscoroutinefunction(function):
        return function  # type: ignore[no-any-return]
    _open(tool)
    return lambda i: _wait(function(i))


def _run(work: Callable[[], Any]) -> None:
    if inspect.iscoroutinefunction(work):
        _wait(work())
    else:
        work()


def _open(tool: Tool) -> None:
    if tool.open is not None:
        _wait(_awaited(tool.open))


async def _awaited(function: Callable[[], Awaitable[Any]]) -> None:
    await function()


_loops: list[asyncio.AbstractEventLoop] = []


def _wait(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Always on the same loop, to which connections are bound."""
    if not _loops:
        _loops.append(asyncio.new_event_loop())
        asyncio.set_event_loop(_loops[0])
    return _loops[0].run_until_complete(coroutine)
