"""health: consuming only while messages can come; else what keeps them away."""

from __future__ import annotations

import pytest
from funboost_testing.clock import FakeClock

from funboost_core import hookimpl
from funboost_core.consuming.consumer import Consumer
from funboost_core.consuming.health import DEAF, health_of
from funboost_core.native import Thread

PATIENCE = 30


@pytest.fixture
def consumer(program):
    made = []

    def make(**params):
        made.append(Consumer(program.task(lambda x: x, **{"concurrent_mode": "byhand", **params})))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def test_consuming_is_said_only_while_the_broker_answers(program, consumer):
    made = consumer()
    assert health_of(made).status == "consuming"
    program.clock.advance(DEAF)
    assert health_of(made).ok
    program.clock.advance(1)
    health = health_of(made)
    assert (health.status, health.ok, health.silent) == ("deaf", False, DEAF + 1)
    made.intake.take(1, wait=0)
    assert health_of(made).status == "consuming"


def test_a_broker_that_is_away_is_named_with_its_error(program, consumer):
    made = consumer()
    program.server.failing["fetch"] = [ConnectionError("refused")]
    taking = Thread(target=made.intake.take, args=(1,))
    taking.start()
    program.clock.until_waiting(1)
    health = health_of(made)
    assert (health.status, health.ok, health.detail) == ("away", False, "ConnectionError: refused")
    program.clock.advance(60)
    taking.join(PATIENCE)
    made.intake.take(1, wait=0)
    assert health_of(made).status == "consuming"


def test_all_slots_taken_is_busy_not_deaf(program, consumer):
    made = consumer(concurrent_num=3)
    program.clock.advance(2 * DEAF)
    assert made.line.permits.reserve(3, lambda: False) == 3
    assert health_of(made).status == "busy"
    made.line.permits.release(1)
    assert health_of(made).status == "deaf"


def test_all_threads_running_is_busy_not_deaf(program, consumer, monkeypatch):
    made = consumer(concurrent_num=3, concurrent_mode="threading")
    program.clock.advance(2 * DEAF)
    for running, status in ((3, "busy"), (2, "deaf")):
        monkeypatch.setattr(type(made.line), "running", running)
        assert health_of(made).status == status


def test_a_pause_a_stop_and_hanging_runs(program, consumer):
    made = consumer()
    program.clock.advance(2 * DEAF)
    made.pause(True)
    assert (health_of(made).status, health_of(made).ok) == ("paused", True)
    made.canceller.abandoned.add(object())
    made.gate.fill(True)
    assert (health_of(made).status, health_of(made).ok, health_of(made).abandoned) == ("full", False, 1)
    made.stop()
    assert health_of(made).status == "stopping"
    made.canceller.abandoned.clear()


def test_waiting_for_the_rate_is_no_deafness(program, consumer):
    made = consumer(qps=0.01)
    program.server.put("q", b'{"x":1}', b'{"x":2}')
    assert len(made.intake.take(1, wait=0)) == 1
    taking = Thread(target=made.intake.take, args=(1,))
    taking.start()
    program.clock.until_waiting(1)
    program.clock.advance(2 * DEAF)
    assert health_of(made).status == "waiting"
    program.clock.advance(100)
    taking.join(PATIENCE)
    assert health_of(made).status == "consuming"


def test_hours_in_which_nothing_runs(make_program):
    program = make_program(FakeClock(1_700_000_000.0))  # 22:13 UTC
    made = Consumer(program.task(lambda x: x, concurrent_mode="byhand", run_window="* 3 * * *"))
    program.clock.advance(2 * DEAF)
    assert health_of(made).status == "closed"
    made.stop()


def test_the_worker_tells_of_all_its_consumers(program):
    seen = []

    class Plugin:
        @hookimpl
        def funboost_worker_stopping(self, worker):
            seen.append({queue: health.status for queue, health in worker.health().items()})

    program.environment.manager.register(Plugin())
    for queue in ("a", "b"):
        program.booster(lambda x: x, queue_name=queue).consume()
    assert {queue: health.ok for queue, health in program.environment.worker.health().items()} == {
        "a": True,
        "b": True,
    }
    assert program.environment.worker.stop()  # while the clock stands still: nobody has been silent
    assert seen == [{"a": "consuming", "b": "consuming"}]
    assert program.environment.worker.health() == {}
