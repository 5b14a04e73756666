"""What the broker suites share: environments, brokers that are always closed, bodies, gating by capability."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Callable, ClassVar

import pytest

from funboost_core import (
    BoosterParams,
    Broker,
    Capability,
    Delivery,
    Environment,
    Outgoing,
    PullBroker,
    register_plugin,
)
from funboost_core.consuming.pushed import open_broker
from funboost_core.task import Task

from ..calls import Call
from ..patient import Patient
from ..topics import DECLARED, proves, skip

MakeBroker = Callable[..., PullBroker]

_NEEDS = "funboost_needs"
_LACKS = "funboost_lacks"


def needs(*capabilities: Capability) -> Callable[[Any], Any]:
    """Mark a test as being about capabilities: it runs only for brokers that declare all of them."""
    return _marking(_NEEDS, capabilities)


def lacks(capability: Capability) -> Callable[[Any], Any]:
    """Mark a test as being about the absence of a capability: it runs only for brokers that do not declare it."""
    return _marking(_LACKS, (capability,))


def _marking(attribute: str, capabilities: tuple[Capability, ...]) -> Callable[[Any], Any]:
    def mark(test: Any) -> Any:
        setattr(test, attribute, capabilities)
        return proves(*map(name_of, capabilities))(test)

    return mark


def name_of(capability: Capability) -> str:
    """`COUNT` for `Capability.COUNT`."""
    return str(capability).rpartition(".")[2]


class BrokerSuite(Patient):
    """Base of the broker suites.

    Set `kind`; where needed `options` (broker_exclusive_config), `settings` (connection settings) and `plugins` (names
    of modules to register, for a plugin that is not installed).  Override the fixture `connection` for settings that a
    server decides, `environment` for a program that is altogether another one.  Override the fixture `cut` where there
    is something that can be away.  `patience` and `quiet` are those of `Patient`.
    """

    funboost_room: ClassVar[str] = "brokers"
    plugins: ClassVar[tuple[str, ...]] = ()
    kind: ClassVar[str] = ""
    options: ClassVar[dict[str, Any]] = {}
    settings: ClassVar[dict[str, Any]] = {}

    @pytest.fixture
    def connection(self) -> Mapping[str, Any]:
        """The settings that lead to the server of a test."""
        return {}

    @pytest.fixture
    def environment(self, tmp_path: Path, connection: Mapping[str, Any]) -> Iterator[Environment]:
        """The program that the brokers belong to."""
        environment = self.program(
            {
                "BROKER_KIND": self.kind,
                "CONCURRENT_MODE": "threading",
                "DATA_DIR": str(tmp_path / "data"),
                "DRAIN_SECONDS": self.patience,
                "BEAT_SECONDS": 0.2,
                **connection,
                **self.settings,
            }
        )
        yield environment
        environment.close()

    def program(self, settings: Mapping[str, Any]) -> Environment:
        """An environment with the plugins of this suite; the same settings again make another program beside it."""
        environment = Environment(settings)
        for name in self.plugins:
            register_plugin(import_module(name), environment)
        return environment

    @pytest.fixture
    def cut(self) -> Callable[[], AbstractContextManager[Any]] | None:
        """Makes a time in which the server cannot be reached, ``with cut(): …``; None where that cannot be played."""
        return None

    @pytest.fixture
    def capabilities(self, environment: Environment) -> Capability:
        """What the broker declares."""
        found: Capability = environment.catalog.find("brokers", self.kind).capabilities
        return found

    @pytest.fixture(autouse=True)
    def _gate(self, request: pytest.FixtureRequest, capabilities: Capability) -> None:
        declared = {name_of(flag): flag in capabilities for flag in Capability}
        request.node.user_properties.append((DECLARED, declared))
        missing = [name_of(flag) for flag in getattr(request.function, _NEEDS, ()) if flag not in capabilities]
        if missing:
            skip(request, f"{self.kind} does not declare {', '.join(missing)}", *missing)
        there = [name_of(flag) for flag in getattr(request.function, _LACKS, ()) if flag in capabilities]
        if there:
            skip(request, f"{self.kind} declares {', '.join(there)}")

    @pytest.fixture
    def make(self, environment: Environment) -> Iterator[MakeBroker]:
        """``make(queue="q", program=environment, **options)`` opens one more broker object."""
        made: list[PullBroker] = []

        def make(queue: str = "q", program: Environment = environment, **options: Any) -> PullBroker:
            params = BoosterParams(queue_name=queue, broker_exclusive_config={**self.options, **options})
            broker = open_broker(Task(params, None, program))
            broker.fetch = self._watched(broker)  # type: ignore[method-assign, assignment]
            made.append(broker)
            return broker

        yield make
        for broker in made:
            broker.close()

    @pytest.fixture
    def open_raw(self, environment: Environment) -> Iterator[Callable[..., Any]]:
        """``open_raw(queue="q")`` opens one more broker object, for publishing: one that pushes comes without a sink."""
        made: list[Broker] = []

        def open_raw(queue: str = "q") -> Broker:
            params = BoosterParams(queue_name=queue, broker_exclusive_config=dict(self.options))
            made.append(Task(params, None, environment).make_broker())
            return made[-1]

        yield open_raw
        for broker in made:
            broker.close()

    @pytest.fixture
    def publisher(self, open_raw: Callable[..., Any]) -> Any:
        """A broker object that only publishes."""
        return open_raw()

    @pytest.fixture
    def consumer(self, make: MakeBroker) -> PullBroker:
        """A broker object that consumes."""
        broker = make()
        broker.listen()
        return broker

    def _watched(self, broker: PullBroker) -> Callable[[int, float], Sequence[Delivery]]:
        """The broker's `fetch`, which ends in any case: one that forgets its timeout must not stop the tests."""
        fetch = broker.fetch

        def watched(limit: int, timeout: float) -> Sequence[Delivery]:
            call = Call(fetch, limit, timeout)
            if call.running(timeout + self.patience / 2):
                broker.wake()  # the test about timeouts tells; the others go on
                if call.running(self.patience):
                    raise AssertionError(f"fetch({limit}, {timeout}) never returns, not even after wake()")
            got: Sequence[Delivery] = call.result()
            return got

        return watched

    # -- what tests use ----------------------------------------------------------------------------------------------

    def body(self, capabilities: Capability, n: Any) -> Any:
        """A message that says `n`: a dict with OBJECTS, JSON bytes otherwise."""
        return {"n": n} if Capability.OBJECTS in capabilities else json.dumps({"n": n}).encode()

    def send(self, broker: Broker, *numbers: Any, **fields: Any) -> None:
        """Publish one message for each number."""
        capabilities = broker.context.environment.catalog.find("brokers", self.kind).capabilities
        broker.publish([Outgoing(self.body(capabilities, n), **fields) for n in numbers])

    def read(self, deliveries: Any) -> list[Any]:
        """The numbers that deliveries carry."""
        return [(d.body if isinstance(d.body, dict) else json.loads(d.body))["n"] for d in deliveries]

    def collect(self, broker: PullBroker, count: int, limit: int = 100, wait: float = 0.1) -> list[Delivery]:
        """`count` deliveries by fetches of `wait` seconds; AssertionError when they do not come within `patience`."""
        got: list[Delivery] = []
        end = monotonic() + self.patience
        while len(got) < count:
            late = monotonic() >= end
            got.extend(broker.fetch(min(limit, count - len(got)), wait))
            if late:
                break
        assert len(got) == count, f"{len(got)} of {count} messages came within {self.patience} s: {self.read(got)}"
        return got

    def nothing(self, broker: PullBroker) -> None:
        """AssertionError when there is a message to fetch."""
        got = broker.fetch(10, self.quiet / 4)
        assert not got, f"there should be nothing to fetch, but these came: {self.read(got)}"

    def eventually(self, what: str, condition: Callable[[], Any]) -> Any:
        """The first true answer of `condition`; AssertionError with `what` after `patience`."""
        end = monotonic() + self.patience
        while True:
            late = monotonic() >= end
            answer = condition()
            if answer:
                return answer
            assert not late, f"within {self.patience} s it did not happen that {what}"
            sleep(0.01)  # a server's state: nothing to wait on
