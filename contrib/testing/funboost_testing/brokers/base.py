"""What the broker suites share: environments, brokers that are always closed, bodies, gating by capability."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any, Callable, ClassVar

import pytest

from funboost_core import BoosterParams, Capability, Delivery, Environment, Outgoing, PullBroker
from funboost_core.native import sleep
from funboost_core.task import Task

MakeBroker = Callable[..., PullBroker]

NEEDS = "funboost_needs"
"""Attribute of a test: the capabilities that it is about."""


def needs(*capabilities: Capability) -> Callable[[Any], Any]:
    """Mark a test as being about capabilities: it runs only for brokers that declare all of them."""

    def mark(test: Any) -> Any:
        setattr(test, NEEDS, capabilities)
        return test

    return mark


class BrokerSuite:
    """Base of the broker suites.

    Set `kind`; where needed `options` (broker_exclusive_config) and `settings` (connection settings), or override the
    fixture `environment` for a server.  `patience` is the longest that the server may take for anything, in seconds.
    """

    kind: ClassVar[str] = ""
    options: ClassVar[dict[str, Any]] = {}
    settings: ClassVar[dict[str, Any]] = {}
    patience: ClassVar[float] = 10.0

    @pytest.fixture
    def environment(self, tmp_path: Path) -> Iterator[Environment]:
        """The program that the brokers belong to."""
        environment = Environment(
            {
                "BROKER_KIND": self.kind,
                "CONCURRENT_MODE": "threading",
                "DATA_DIR": str(tmp_path / "data"),
                "DRAIN_SECONDS": 5,
                "BEAT_SECONDS": 0.2,
                **self.settings,
            }
        )
        yield environment
        environment.close()

    @pytest.fixture
    def capabilities(self, environment: Environment) -> Capability:
        """What the broker declares."""
        found: Capability = environment.catalog.find("brokers", self.kind).capabilities
        return found

    @pytest.fixture(autouse=True)
    def _gate(self, request: pytest.FixtureRequest, capabilities: Capability) -> None:
        wanted = getattr(request.function, NEEDS, ())
        missing = [str(flag).rpartition(".")[2] for flag in wanted if flag not in capabilities]
        if missing:
            pytest.skip(f"{self.kind} does not declare {', '.join(missing)}")

    @pytest.fixture
    def make(self, environment: Environment) -> Iterator[MakeBroker]:
        """``make(queue="q", **options)`` opens one more broker object."""
        made: list[PullBroker] = []

        def make(queue: str = "q", **options: Any) -> PullBroker:
            params = BoosterParams(queue_name=queue, broker_exclusive_config={**self.options, **options})
            broker = Task(params, None, environment).make_broker()
            assert isinstance(broker, PullBroker)
            made.append(broker)
            return broker

        yield make
        for broker in made:
            broker.close()

    @pytest.fixture
    def publisher(self, make: MakeBroker) -> PullBroker:
        """A broker object that only publishes."""
        return make()

    @pytest.fixture
    def consumer(self, make: MakeBroker) -> PullBroker:
        """A broker object that consumes."""
        broker = make()
        broker.listen()
        return broker

    # -- what tests use ----------------------------------------------------------------------------------------------

    def body(self, capabilities: Capability, n: Any) -> Any:
        """A message that says `n`: a dict with OBJECTS, JSON bytes otherwise."""
        return {"n": n} if Capability.OBJECTS in capabilities else json.dumps({"n": n}).encode()

    def send(self, broker: PullBroker, *numbers: Any, **fields: Any) -> None:
        """Publish one message for each number."""
        capabilities = broker.context.environment.catalog.find("brokers", self.kind).capabilities
        broker.publish([Outgoing(self.body(capabilities, n), **fields) for n in numbers])

    def read(self, deliveries: Any) -> list[Any]:
        """The numbers that deliveries carry."""
        return [(d.body if isinstance(d.body, dict) else json.loads(d.body))["n"] for d in deliveries]

    def collect(self, broker: PullBroker, count: int, limit: int = 100) -> list[Delivery]:
        """`count` deliveries; AssertionError when they do not come within `patience`."""
        got: list[Delivery] = []
        end = monotonic() + self.patience
        while len(got) < count and monotonic() < end:
            got.extend(broker.fetch(min(limit, count - len(got)), 0.1))
        assert len(got) == count, f"{len(got)} of {count} messages came within {self.patience} s: {self.read(got)}"
        return got

    def nothing(self, broker: PullBroker) -> None:
        """AssertionError when there is a message to fetch."""
        got = broker.fetch(10, 0.05)
        assert not got, f"there should be nothing to fetch, but these came: {self.read(got)}"

    def eventually(self, what: str, condition: Callable[[], Any]) -> Any:
        """The first true answer of `condition`; AssertionError with `what` after `patience`."""
        end = monotonic() + self.patience
        while monotonic() < end:
            answer = condition()
            if answer:
                return answer
            sleep(0.01)  # a server's state: nothing to wait on
        raise AssertionError(f"within {self.patience} s it did not happen that {what}")
