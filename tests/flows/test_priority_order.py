"""Who has the higher priority is first, also after a delay, another turn, a retry or a stay among the dead letters."""

from __future__ import annotations

from typing import Any, Callable

import pytest
from funboost_testing.clock import FakeClock

from funboost_core import BoosterParams, DeadLetterTask, Environment, RequeueTask, TaskOptions, boost, redrive
from funboost_core.native import Event, Thread

PATIENCE = 20
RANKS = {"none": None, "low": 1, "high": 9}


class Line:
    """A task that runs one message at a time, noting the order."""

    def __init__(self, environment: Environment, does: Callable[[str, int], None], count: int, **params: Any) -> None:
        self.order: list[str] = []
        self.over = Event()
        options = {"concurrent_num": 1, "is_print_detail_exception": False, **params}
        options["broker_exclusive_config"] = {"pull_msg_batch_size": 1}

        def work(name: str) -> None:
            self.order.append(name)
            if len(self.order) >= count:
                self.over.set()
            does(name, self.order.count(name))

        self.task = boost(BoosterParams(queue_name="q", **options), environment=environment)(work)

    def publish(self, *names: str, **options: Any) -> None:
        for name in names:
            self.task.publish({"name": name}, options=TaskOptions(priority=RANKS[name], **options))

    def run(self) -> list[str]:
        self.task.consume()
        assert self.over.wait(PATIENCE), self.order
        return self.order


@pytest.fixture(params=["MEMORY_QUEUE", "SQLITE_QUEUE"])
def settings(request: pytest.FixtureRequest, tmp_path: Any) -> dict[str, Any]:
    kind, folder = request.param, str(tmp_path)
    return {"BROKER_KIND": kind, "CONCURRENT_MODE": "threading", "STATE_URL": "sqlite://", "DATA_DIR": folder}


@pytest.fixture
def environment(settings: dict[str, Any]) -> Any:
    environment = Environment(settings)
    yield environment
    environment.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def by_hand(settings: dict[str, Any], clock: FakeClock) -> Any:
    """An environment whose time stands still until a task moves it."""
    environment = Environment(settings, clock=clock)
    yield environment
    ending = Thread(target=environment.close, daemon=True)
    ending.start()
    while ending.is_alive():
        ending.join(0.01)
        clock.advance(0.05)


def nothing(name: str, times: int) -> None:
    pass


def test_a_higher_priority_is_first(environment: Environment) -> None:
    line = Line(environment, nothing, 6)
    line.publish("none", "low", "high", "none", "low", "high")
    assert line.run() == ["high", "high", "low", "low", "none", "none"]


def test_after_a_delay(environment: Environment) -> None:
    line = Line(environment, nothing, 4)
    line.publish("none", "low", "high", countdown=0.05)
    line.publish("low")
    Event().wait(0.1)
    assert line.run() == ["high", "low", "low", "none"]


def test_after_another_turn(environment: Environment) -> None:
    def once_more(name: str, times: int) -> None:
        if times == 1 and name != "none":
            raise RequeueTask

    line = Line(environment, once_more, 5)
    line.publish("none", "low", "high")
    assert line.run() == ["high", "high", "low", "low", "none"]


def test_after_the_wait_for_a_retry(by_hand: Environment, clock: FakeClock) -> None:
    def first_fails(name: str, times: int) -> None:
        if name == "high" and times == 1:
            raise ValueError
        if name == "low" and times == 1:
            clock.advance(0.2)  # meanwhile the retry has become due, and not before

    line = Line(by_hand, first_fails, 5, retry_interval=0.1)
    line.publish("none", "low", "low", "high")
    assert line.run() == ["high", "low", "high", "low", "none"]


def test_after_a_stay_among_the_dead_letters(environment: Environment) -> None:
    alive: set[str] = set()

    def dies_once(name: str, times: int) -> None:
        if name not in alive:
            alive.add(name)
            raise DeadLetterTask

    line = Line(environment, dies_once, 3)
    line.publish("none", "low", "high")
    line.run()
    environment.worker.stop()
    assert redrive("q", environment=environment) == 3
    line.over.clear()
    line.order.clear()
    assert line.run() == ["high", "low", "none"]
