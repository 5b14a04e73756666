"""What the tests of pools share: tasks of both shapes that wait without blocking others, and counting threads."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from importlib import import_module
from typing import Any, Callable, ClassVar

import pytest

from funboost_core import BoosterParams, Environment, PoolSpec, ThreadPool, boost, native, register_plugin
from funboost_core.clock import SYSTEM, Clock
from funboost_core.records import resolve

from ..patient import Patient
from ..topics import skip

Body = Callable[[Any], Generator[None, None, Any]]
"""A function of one argument that says ``yield`` wherever a run is to let others run."""

_OURS = ("funboost-call", "funboost-drain")
"""Threads that outlive a consumer on purpose."""


class PoolBase(Patient):
    """Base of the pool suite.

    Set `kind`; `runs`, the shapes of functions that the mode runs ("def", "async def"); `most` where the mode runs
    fewer at once than ``concurrent_num`` says; `first_line` for a process that has to be patched; `plugins` (names of
    modules to register) for a pool that is not installed.  `patience` and `quiet` are those of `Patient`.
    """

    funboost_room: ClassVar[str] = "pools"
    kind: ClassVar[str] = ""
    runs: ClassVar[tuple[str, ...]] = ("def", "async def")
    most: ClassVar[int | None] = None
    first_line: ClassVar[str] = ""
    plugins: ClassVar[tuple[str, ...]] = ()

    @pytest.fixture
    def environment(self) -> Iterator[Environment]:
        """The program that the pools belong to."""
        environment = self.program()
        yield environment
        environment.close()

    def program(self, clock: Clock = SYSTEM, **settings: Any) -> Environment:
        """An environment with its queues and its state in memory."""
        environment = Environment(
            {
                "BROKER_KIND": "MEMORY_QUEUE",
                "CONCURRENT_MODE": self.kind,
                "STATE_URL": "memory://",
                "DRAIN_SECONDS": self.patience,
                "BEAT_SECONDS": 0.2,
                **settings,
            },
            clock=clock,
        )
        for name in self.plugins:
            register_plugin(import_module(name), environment)
        return environment

    @pytest.fixture(params=["def", "async def"])
    def shape(self, request: pytest.FixtureRequest) -> str:
        """Each shape of a function that the mode runs."""
        shape = str(request.param)
        if shape not in self.runs:
            skip(request, f"{self.kind} does not run `{shape}`")
        return shape

    @pytest.fixture
    def threads(self, request: pytest.FixtureRequest, environment: Environment) -> None:
        """Only for pools whose threads fetch and settle as well."""
        spec: PoolSpec = environment.catalog.find("pools", self.kind)
        factory = resolve(spec.factory)
        if not (isinstance(factory, type) and issubclass(factory, ThreadPool)):
            skip(request, f"{self.kind} is no ThreadPool")

    # -- what tests use ----------------------------------------------------------------------------------------------

    def limit(self, wanted: int) -> int:
        """How many the mode really runs at once when `wanted` are allowed."""
        return wanted if self.most is None else min(wanted, self.most)

    def task(self, environment: Environment, shape: str, body: Body, queue: str = "q", **params: Any) -> Any:
        """`body` as a task of that shape."""
        function = waiting(body) if shape == "def" else awaiting(body)
        given: Mapping[str, Any] = {"is_print_detail_exception": False, **params}
        return boost(BoosterParams(queue_name=queue, **given), environment=environment)(function)

    def until(self, what: str, condition: Callable[[], Any], meanwhile: Callable[[], Any] | None = None) -> None:
        """Wait for something that nobody announces; greenlets run meanwhile."""
        end = time.monotonic() + self.patience
        while not condition():
            assert time.monotonic() < end or condition(), f"within {self.patience} s it did not happen that {what}"
            if meanwhile is not None:
                meanwhile()
            time.sleep(0.002)


def waiting(body: Body) -> Callable[[Any], Any]:
    """A plain function; each ``yield`` of `body` is a sleep."""

    def function(x: Any) -> Any:
        with closing(body(x)) as steps:
            while True:
                try:
                    next(steps)
                except StopIteration as end:
                    return end.value
                time.sleep(0.002)

    return function


def awaiting(body: Body) -> Callable[[Any], Any]:
    """A coroutine function; each ``yield`` of `body` is a sleep on the loop."""

    async def function(x: Any) -> Any:
        import asyncio

        with closing(body(x)) as steps:
            while True:
                try:
                    next(steps)
                except StopIteration as end:
                    return end.value
                await asyncio.sleep(0.002)

    return function


def real_threads() -> set[Any]:
    """The threads of this process that are alive, whoever has patched `threading`."""
    alive = native.current_thread.__globals__["enumerate"]()  # of the same module as `native.Thread`
    return {thread for thread in alive if thread.is_alive() and not thread.name.startswith(_OURS)}


def names(threads: set[Any]) -> list[str]:
    """For messages."""
    return sorted(thread.name for thread in threads)


class Meter:
    """How many run at once; each stays until `go`."""

    def __init__(self) -> None:
        self.now = self.peak = 0
        self.seen: list[Any] = []
        self.done: list[Any] = []
        self.go = False
        self._lock = native.Lock()

    def body(self, x: Any) -> Generator[None, None, Any]:
        """The task."""
        with self._lock:
            self.now += 1
            self.peak = max(self.peak, self.now)
            self.seen.append(x)
        ended = []
        try:
            while not self.go:
                yield
            yield
            ended.append(x)
        finally:
            with self._lock:
                self.now -= 1
                self.done += ended
        return x
