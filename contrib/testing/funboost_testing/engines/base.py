"""What the tests of engines share: a program with a state, tasks, dead letters."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Callable

import pytest

from funboost_core import BoosterParams, Environment, boost
from funboost_core.records import BrokerSpec

from ..brokers.base import BrokerSuite
from ..brokers.working import Notes
from ..topics import skip

_OWNS = "funboost_owns"


def owns(*parameters: str) -> Callable[[Any], Any]:
    """Mark a test as being about parameters that an engine takes over: it runs only for those that own them all."""

    def mark(test: Any) -> Any:
        setattr(test, _OWNS, parameters)
        return test

    return mark


class EngineSuite(BrokerSuite):
    """Base of the suite of engines; set `kind`, `options`, `settings`, `plugins`, `patience` as for other brokers.

    Name in `plugins` what is not installed: the test that kills a process needs to load it there.
    """

    @pytest.fixture
    def environment(self, tmp_path: Path) -> Iterator[Environment]:
        """The program that the engine belongs to."""
        environment = self.program(self.given(tmp_path))
        yield environment
        environment.close()

    def given(self, folder: Path) -> Mapping[str, Any]:
        """The settings of a program whose files are in `folder`."""
        return {
            "BROKER_KIND": self.kind,
            "CONCURRENT_MODE": "threading",
            "STATE_URL": "memory://",
            "DATA_DIR": str(folder / "data"),
            "DRAIN_SECONDS": self.patience,
            "BEAT_SECONDS": 0.1,
            **self.settings,
        }

    @pytest.fixture
    def spec(self, environment: Environment) -> BrokerSpec:
        """The engine's record."""
        found: BrokerSpec = environment.catalog.find("brokers", self.kind)
        return found

    @pytest.fixture(autouse=True)
    def _owning(self, request: pytest.FixtureRequest, spec: BrokerSpec) -> None:
        missing = [name for name in getattr(request.function, _OWNS, ()) if name not in (spec.owns or ())]
        if missing:
            skip(request, f"{self.kind} does not own {', '.join(missing)}")

    @pytest.fixture
    def notes(self) -> Notes:
        """What the runs of a test noted."""
        return Notes()

    # -- what tests use ----------------------------------------------------------------------------------------------

    def task(self, environment: Environment, function: Any, **params: Any) -> Any:
        """`function` as a task of the queue ``q``."""
        params.setdefault("queue_name", "q")
        params.setdefault("is_print_detail_exception", False)
        given = BoosterParams(broker_exclusive_config=dict(self.options), **params)
        return boost(given, environment=environment)(function)

    def dead_letters(self, environment: Environment, count: int = 1) -> list[dict[str, Any]]:
        """The messages of ``q_dlx``, once there are so many."""
        parking, queue = environment.state.parking, environment.namespaced("q_dlx")
        self.eventually(f"{count} dead letters are there", lambda: parking.count(queue) >= count)
        return [json.loads(message.body) for message in parking.claim(queue, count + 1, 60.0)]
