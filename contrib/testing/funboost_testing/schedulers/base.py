"""What the tests of schedulers share: programs with one task, what it was fired with, and passing time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Callable, ClassVar

import pytest

from funboost_core import BoosterParams, Environment, boost, hookimpl, register_plugin
from funboost_core.ports.scheduler import Schedule, Scheduler

from ..clock import FakeClock
from ..patient import Patient
from ..topics import skip

EVERY_TEN = {"kind": "interval", "seconds": 10}
QUEUE = "q"


class Program:
    """One environment with the task `f(x, y=0)` and its scheduler, as another process would have them."""

    def __init__(
        self, suite: SchedulerBase, clock: FakeClock, folder: Path, fired: Fired, settings: Mapping[str, Any]
    ) -> None:
        self.environment = Environment(
            {
                "BROKER_KIND": "MEMORY_QUEUE",
                "CONCURRENT_MODE": "threading",
                "STATE_URL": "memory://",
                "DATA_DIR": str(folder),
                **settings,
            },
            clock=clock,
        )
        for name in suite.plugins:
            register_plugin(import_module(name), self.environment)

        def f(x: Any, y: Any = 0) -> None:
            raise AssertionError("schedulers publish, they do not call")

        params = BoosterParams(queue_name=QUEUE, hooks=[fired])
        self.task: Any = boost(params, environment=self.environment)(f)
        self.scheduler: Scheduler = self.environment.schedulers.open(suite.kind, self.task, suite.store)


class Fired:
    """What was published: task ids and arguments."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.arguments: list[dict[str, Any]] = []

    @hookimpl
    def funboost_after_publish(self, message: Any) -> None:
        """Note what went out."""
        self.ids.append(message.task_id)
        self.arguments.append(dict(message.arguments))

    @property
    def xs(self) -> list[Any]:
        """The first argument of each."""
        return [arguments["x"] for arguments in self.arguments]


class SchedulerBase(Patient):
    """Base of the scheduler suite.

    Set `kind`, `store` (the name of a job store), and `persistent` where another process that opens the store finds the
    same jobs; `plugins` (names of modules to register) for a scheduler that is not installed.  `patience` and `quiet` are
    those of `Patient`.
    """

    funboost_room: ClassVar[str] = "schedulers"
    kind: ClassVar[str] = ""
    store: ClassVar[str] = "memory"
    persistent: ClassVar[bool] = False
    plugins: ClassVar[tuple[str, ...]] = ()

    @pytest.fixture
    def clock(self) -> FakeClock:
        """Time; moved by hand."""
        return FakeClock()

    @pytest.fixture
    def fired(self) -> Fired:
        """What all programs of the test have published."""
        return Fired()

    @pytest.fixture
    def settings(self) -> dict[str, Any]:
        """Settings of the programs; override it to name a server."""
        return {}

    @pytest.fixture
    def programs(
        self, clock: FakeClock, tmp_path: Path, fired: Fired, settings: dict[str, Any]
    ) -> Iterator[Callable[[], Program]]:
        """Makes a program; all are closed with the test."""
        made: list[Program] = []

        def make() -> Program:
            made.append(Program(self, clock, tmp_path, fired, settings))
            return made[-1]

        yield make
        for program in made:
            program.environment.close()

    @pytest.fixture
    def scheduler(self, programs: Callable[[], Program]) -> Scheduler:
        """The scheduler under test, not started."""
        return programs().scheduler

    @pytest.fixture
    def other(self, request: pytest.FixtureRequest, programs: Callable[[], Program]) -> Scheduler:
        """A second one over the same store, not started."""
        if not self.persistent:
            skip(request, "the store lives within one scheduler")
        return programs().scheduler

    # -- what tests use ----------------------------------------------------------------------------------------------

    def every_ten(self, id: str = "s", x: Any = 1, **options: Any) -> Schedule:
        """A schedule that fires every ten seconds."""
        return Schedule(id, EVERY_TEN, (x,), **options)

    def until(self, what: str, condition: Callable[[], Any]) -> None:
        """Wait for something that nobody announces."""
        end = time.monotonic() + self.patience
        while not condition():
            assert time.monotonic() < end or condition(), f"within {self.patience} s it did not happen that {what}"
            time.sleep(0.001)

    def settle(self, clock: FakeClock, running: int = 1) -> None:
        """Wait until so many schedulers have done what there is to do and wait on the clock."""
        self.until(f"{running} schedulers wait on the environment's clock", lambda: clock.waiting >= running)

    def let_pass(self, clock: FakeClock, seconds: float, running: int = 1) -> None:
        """Let `running` schedulers live through `seconds`, in one leap."""
        self.settle(clock, running)
        clock.advance(seconds)
        self.settle(clock, running)

    def live_through(self, clock: FakeClock, seconds: int, running: int = 1) -> None:
        """The same second by second."""
        for _ in range(seconds):
            self.let_pass(clock, 1, running)
