"""Countdowns, times and grace, by the broker's own delay and by parking, on a clock that the test moves."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from funboost_testing.clock import FakeClock
from rest import Steady

from funboost_core import BoosterParams, BrokerSpec, Capability, Environment, TaskOptions, boost, fct, hookimpl
from funboost_core.native import Condition, sleep

PATIENCE = 45
KINDS = ("MEMORY_QUEUE", "SQLITE_QUEUE", "MEMORY_QUEUE_PLAIN", "SQLITE_QUEUE_PLAIN")


class Plain:
    """The embedded brokers without a delay of their own."""

    @hookimpl
    def funboost_brokers(self) -> list[BrokerSpec]:
        from funboost_broker_memory_queue.plugin import funboost_brokers as memory
        from funboost_broker_sqlite_queue.plugin import funboost_brokers as sqlite

        without = Capability.DELAY | Capability.SECOND_QUEUE
        return [
            BrokerSpec(f"{spec.kind}_PLAIN", spec.factory, spec.capabilities & ~without, options=spec.options)
            for spec in (*memory(), *sqlite())
        ]


class Waiting:
    """One task whose messages wait."""

    def __init__(self, kind: str, folder: Any, zone: str = "UTC", **params: Any) -> None:
        self.clock = FakeClock()
        state = "memory://" if kind.startswith("MEMORY") else "sqlite://"
        self.environment = Environment(
            {"BROKER_KIND": kind, "CONCURRENT_MODE": "threading", "STATE_URL": state, "DATA_DIR": str(folder),
             "TIMEZONE": zone, "DRAIN_SECONDS": 5},
            clock=self.clock,
        )  # fmt: skip
        self.environment.manager.register(Plain())
        self.steady = Steady(self.environment, self.clock, 0.5)
        self.runs: list[tuple[str, float, dict[str, Any]]] = []
        self.replies: list[Any] = []
        self.failing: list[str] = []
        self._begun = self.clock.time()
        self._changed = Condition()
        options = {"queue_name": "q", "is_print_detail_exception": False, **params}
        self.task = boost(BoosterParams(**options), environment=self.environment)(self._work)

    def _work(self, name: str) -> None:
        with self._changed:
            self.runs.append((name, round(self.clock.time() - self._begun, 3), fct.full_msg["extra"]))
            self._changed.notify_all()
        if name in self.failing:
            self.failing.remove(name)
            raise ValueError(name)

    def publish(self, name: str, **options: Any) -> None:
        self.task.publish({"name": name}, options=TaskOptions(**options))

    def at(self, seconds: float) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(self._begun + seconds, datetime.timezone.utc)

    def text(self, seconds: float, zone_hours: int = 0) -> str:
        return (self.at(seconds) + datetime.timedelta(hours=zone_hours)).strftime("%Y-%m-%d %H:%M:%S")

    def until(self, seconds: float) -> None:
        """Move the clock in steps of half a second, letting the threads do what they have to."""
        while self.clock.time() < self._begun + seconds - 0.001:
            self.steady.pass_time(0.5)

    def names(self, count: int) -> list[str]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.runs) >= count, PATIENCE), self.runs
            return sorted(run[0] for run in self.runs)

    def finished(self) -> None:
        """Nothing waits any more, anywhere."""
        for _ in range(PATIENCE * 100):
            parking = self.environment.state.parking.count("q")
            if not self.task.get_message_count() and not parking:
                return
            self.clock.advance(0.1)
            sleep(0.01)
        raise AssertionError(f"{self.task.get_message_count()} in the queue, {parking} parked")

    def close(self) -> None:
        from threading import Thread

        ending = Thread(target=self.environment.close, daemon=True)
        ending.start()
        while ending.is_alive():
            ending.join(0.01)
            self.clock.advance(0.05)


@pytest.fixture(params=KINDS)
def make(request: pytest.FixtureRequest, tmp_path: Any) -> Any:
    made: list[Waiting] = []

    def make(**params: Any) -> Waiting:
        made.append(Waiting(request.param, tmp_path, **params))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_every_way_to_say_when(make: Any) -> None:
    line = make(zone="Asia/Shanghai")
    line.task.consume()
    line.publish("countdown", countdown=10)
    line.publish("a fraction", countdown=10.5)
    line.publish("with a zone", eta=line.at(10))
    line.publish("in the zone of the setting", eta=(line.at(10) + datetime.timedelta(hours=8)).replace(tzinfo=None))
    line.publish("a text", eta=line.text(10, 8))
    line.publish("a text with a zone", eta=line.text(10) + "+00:00")
    line.publish("a text in UTC", eta=line.text(10).replace(" ", "T") + "Z")
    line.publish("past", eta="2001-01-01 00:00:00")
    line.publish("none", countdown=0)
    assert line.names(2) == ["none", "past"]
    line.until(9)
    assert len(line.runs) == 2
    line.until(10)
    assert len(line.names(8)) == 8
    line.until(10.5)
    line.names(9)
    line.finished()
    assert sorted((name, at) for name, at, _ in line.runs) == sorted(
        [("past", 0.0), ("none", 0.0), ("a fraction", 10.5)]
        + [(name, 10.0) for name in ("countdown", "with a zone", "in the zone of the setting", "a text",
                                     "a text with a zone", "a text in UTC")]
    )  # fmt: skip


def test_what_runs_knows_when_it_was_due(make: Any) -> None:
    line = make()
    line.task.consume()
    line.publish("x", countdown=5, misfire_grace_time=3)
    line.publish("y", eta=line.text(5))
    line.until(5)
    line.names(2)
    for _, _, extra in line.runs:
        assert extra["due_time"] == pytest.approx(line.at(5).timestamp(), abs=0.001)
        assert not {"countdown", "eta", "misfire_grace_time"} & extra.keys()


def test_nobody_consumes_in_time(make: Any) -> None:
    line = make()
    for grace in (None, 5, 20):
        line.publish(f"grace {grace}", countdown=10, misfire_grace_time=grace)
    line.clock.advance(20)
    line.task.consume()
    assert line.names(2) == ["grace 20", "grace None"]
    line.finished()
    assert len(line.runs) == 2


def test_a_delay_is_no_age(make: Any) -> None:
    line = make(msg_expire_seconds=60)
    line.publish("old", countdown=3600)
    line.publish("at once")
    line.clock.advance(61)
    line.publish("delayed", countdown=3600)
    line.clock.advance(3601)
    line.task.consume()
    assert line.names(1) == ["delayed"]
    line.finished()
    assert line.names(1) == ["delayed"]


def test_the_interval_of_a_retry_is_no_age(make: Any) -> None:
    line = make(msg_expire_seconds=5, retry_interval=30, max_retry_times=1)
    line.failing.append("x")
    line.publish("x")
    line.task.consume()
    line.names(1)
    line.until(31)
    assert line.names(2) == ["x", "x"]


def test_a_retry_keeps_its_due_time_and_is_not_too_late(make: Any) -> None:
    line = make(retry_interval=30, max_retry_times=1)
    line.failing.append("x")
    line.publish("x", countdown=5, misfire_grace_time=1)
    line.task.consume()
    line.until(5)
    line.names(1)
    line.until(35)
    line.names(2)
    assert [at for _, at, _ in line.runs] == [5.0, 35.0]
    assert len({extra["due_time"] for _, _, extra in line.runs}) == 1


def test_clear_takes_what_waits_for_its_time_and_leaves_other_queues(make: Any) -> None:
    line = make(max_retry_times=3, retry_interval=20)
    other = boost(BoosterParams(queue_name="other"), environment=line.environment)(lambda name: line._work(name))
    line.failing.append("retried")
    for task in (line.task, other):
        task.publish({"name": f"delayed in {task.queue_name}"}, options=TaskOptions(countdown=10))
        task.consume()
    line.publish("retried")
    line.names(1)
    line.until(2)  # wherever they wait by now
    line.task.clear()
    line.publish("later", countdown=30)
    line.until(35)
    assert line.names(3) == ["delayed in other", "later", "retried"]
    line.finished()


def test_clear_takes_debounced_calls(make: Any) -> None:
    line = make(debounce_seconds=10)
    line.task.consume()
    line.publish("cleared")
    line.until(2)
    line.task.clear()
    line.publish("later")
    line.until(15)
    assert line.names(1) == ["later"]
    line.finished()
