"""Stories from push to acknowledgement, in every pool, over the embedded brokers."""

from __future__ import annotations

import functools
import threading
from typing import Any, Callable

import pytest

from funboost_core import BoosterParams, Environment, boost
from funboost_core.clock import SYSTEM, Clock

POOLS = ("threading", "single_thread", "asyncio")
BROKERS = ("MEMORY_QUEUE", "SQLITE_QUEUE")


class Story:
    """One environment and what its tasks did."""

    def __init__(self, environment: Environment, pool: str) -> None:
        self.environment = environment
        self.pool = pool
        self.seen: list[Any] = []
        self._changed = threading.Condition()

    def task(self, function: Callable[..., Any], **params: Any) -> Any:
        """`function` as a task in this story's pool: ``async def`` where the pool wants coroutines."""
        if self.pool == "asyncio":
            plain = function

            @functools.wraps(plain)
            async def function(**arguments: Any) -> Any:
                return plain(**arguments)

        params.setdefault("queue_name", "story")
        return boost(BoosterParams(**params), environment=self.environment)(function)

    def note(self, what: Any) -> None:
        """Remember something and wake who waits for it."""
        with self._changed:
            self.seen.append(what)
            self._changed.notify_all()

    def wait_for(self, count: int, seconds: float = 45.0) -> list[Any]:
        """What was noted, once it is `count` things."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.seen) >= count, seconds), f"only {self.seen}"
            return list(self.seen)

    def until(self, condition: Callable[[], bool], seconds: float = 45.0) -> None:
        """Wait until a condition holds that nobody announces."""
        for _ in range(int(seconds * 200)):
            if condition():
                return
            threading.Event().wait(0.005)
        raise AssertionError("it did not come true in time")


def make_environment(tmp_path: Any, broker: str, pool: str, clock: Clock = SYSTEM, **settings: Any) -> Environment:
    """An environment whose state is as shared as its broker."""
    return Environment(
        {
            "BROKER_KIND": broker,
            "CONCURRENT_MODE": pool,
            "STATE_URL": "memory://" if broker == "MEMORY_QUEUE" else "sqlite://",
            "DATA_DIR": str(tmp_path),
            "DRAIN_SECONDS": 30,
            **settings,
        },
        clock=clock,
    )


@pytest.fixture(params=POOLS)
def pool(request: pytest.FixtureRequest) -> str:
    """Each pool that needs no patching."""
    return str(request.param)


@pytest.fixture(params=BROKERS)
def broker(request: pytest.FixtureRequest) -> str:
    """Each embedded broker."""
    return str(request.param)


@pytest.fixture
def story(tmp_path: Any, broker: str, pool: str) -> Any:
    """A story in each pool over each embedded broker."""
    environment = make_environment(tmp_path, broker, pool)
    yield Story(environment, pool)
    environment.close()
