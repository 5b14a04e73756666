"""Redriving over memory and SQLite: counting without moving, choosing, and being cut or killed at any step."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from funboost_testing.faults import Faults, cut
from rest import eventually

from funboost_core import BoosterParams, Environment, boost, redrive
from funboost_core.ports.broker import PullBroker
from funboost_core.task import Task

BODIES = sorted([b"\xff no message", b"{", b"", b'{"x": "\xfe"}', b"\x00"])


class Queues:
    """The queue and its dead letters, which are made as a consumer makes them."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment

    def broker(self, queue: str = "q") -> PullBroker:
        broker = Task(BoosterParams(queue_name=queue), None, self.environment).make_broker()
        assert isinstance(broker, PullBroker)
        return broker

    def kill(self, *bodies: bytes) -> None:
        """Make dead letters of what cannot be decoded."""
        task = boost(BoosterParams(queue_name="q"), environment=self.environment)(lambda x: x)
        for body in bodies:
            task.send_msg(body)
        task.consume()
        assert eventually(lambda: self.count("q_dlx") >= len(bodies))
        assert self.environment.worker.stop()

    def count(self, queue: str) -> int:
        broker = self.broker(queue)
        try:
            return broker.count()
        finally:
            broker.close()

    def back(self) -> list[bytes]:
        broker = self.broker()
        broker.listen()
        deliveries = broker.fetch(100, 0)
        broker.close()
        assert {delivery.attempts for delivery in deliveries} <= {1}
        return sorted(bytes(delivery.body) for delivery in deliveries)  # type: ignore[arg-type]

    def redrive(self, **options: Any) -> Any:
        return redrive("q", environment=self.environment, **options)


def environment(folder: Any, broker: str) -> Environment:
    state = "memory://" if broker == "MEMORY_QUEUE" else "sqlite://"
    return Environment(
        {"BROKER_KIND": broker, "CONCURRENT_MODE": "threading", "STATE_URL": state, "DATA_DIR": str(folder)}
    )


@pytest.fixture
def queues(tmp_path: Any, broker: str) -> Any:
    where = environment(tmp_path, broker)
    yield Queues(where)
    where.close()


def test_a_dry_run_counts_by_reason_and_moves_nothing(queues):
    queues.kill(*BODIES, b"[1]", b"[2]")
    before = queues.count("q_dlx")
    for _ in range(3):
        seen = queues.redrive(dry_run=True)
        assert seen == before == sum(seen.reasons.values()) == 7
        assert (
            seen.reasons[
                "A message that cannot be run; it goes to the dead-letter queue with this reason: "
                "the message is a JSON list, not an object"
            ]
            == 2
        )
        assert (queues.count("q"), queues.count("q_dlx")) == (0, 7)
    assert queues.redrive(dry_run=True, limit=3) == 3
    assert queues.redrive(dry_run=True, reason="JSON list") == 2
    assert queues.redrive() == 7
    assert queues.back() == sorted([*BODIES, b"[1]", b"[2]"])
    assert queues.redrive(dry_run=True) == 0


def test_only_those_with_a_reason(queues):
    queues.kill(*BODIES, b"[1]", b"[2]", b"[3]")
    assert queues.redrive(reason="JSON list", limit=2) == 2
    assert queues.redrive(reason="nobody says so") == 0
    assert (queues.count("q"), queues.count("q_dlx")) == (2, 6)
    assert queues.redrive(reason="JSON list") == 1
    assert queues.back() == [b"[1]", b"[2]", b"[3]"]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", ["listen", "fetch", "forward"])
def test_cut_at_any_step_it_loses_and_repeats_nothing(queues, step, after):
    queues.kill(*BODIES)
    with Faults(queues.environment) as faults:
        faults.at(step, cut(), after=after, nth=3 if step == "forward" else 1)
        with pytest.raises(ConnectionError):
            queues.redrive()
    assert queues.count("q") == ((3 if after else 2) if step == "forward" else 0)
    assert queues.count("q") + queues.redrive(dry_run=True) == len(BODIES)
    queues.redrive()
    assert queues.back() == BODIES


KILLED = """
import sys
from funboost_core import Environment, redrive
from funboost_testing.faults import Faults, kill

environment = Environment(
    {"BROKER_KIND": "SQLITE_QUEUE", "CONCURRENT_MODE": "threading", "STATE_URL": "sqlite://", "DATA_DIR": sys.argv[1]}
)
with Faults(environment) as faults:
    faults.at(sys.argv[2], kill(), after=sys.argv[3] == "after", nth=int(sys.argv[4]))
    redrive("q", environment=environment)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="compares with SIGKILL's exit code")
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("step", "nth"), [("listen", 1), ("fetch", 1), ("forward", 3), ("close", 1)])
def test_killed_at_any_step_it_loses_and_repeats_nothing(tmp_path, step, nth, when):
    where = environment(tmp_path, "SQLITE_QUEUE")
    try:
        queues = Queues(where)
        queues.kill(*BODIES)
        command = [sys.executable, "-c", KILLED, str(tmp_path), step, when, str(nth)]
        done = subprocess.run(command, capture_output=True, timeout=50, check=False)
        assert done.returncode == -9, done.stderr
        moved = queues.count("q")
        assert moved == {"forward": 3 if when == "after" else 2, "close": len(BODIES)}.get(step, 0)
        assert queues.redrive() == len(BODIES) - moved
        assert queues.back() == BODIES
    finally:
        where.close()
