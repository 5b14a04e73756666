"""insight: counts, speed, averages and the time that is left; told with beats and once a minute in the log."""

from __future__ import annotations

import logging
import os
from types import SimpleNamespace

import pytest
from support.program import message

from funboost_core import Outcome, directory
from funboost_core.consuming import insight
from funboost_core.consuming.consumer import Consumer
from funboost_core.consuming.execution import run
from funboost_core.consuming.insight import host


@pytest.fixture
def consumer(program):
    made = []

    def make(function=lambda x: x, **params):
        made.append(Consumer(program.task(function, **{"concurrent_mode": "byhand", **params})))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def with_line(made, monkeypatch):
    """What runs, as the test says."""
    monkeypatch.setattr(made.insight, "_line", SimpleNamespace(running=0))
    return made.insight._line


def test_what_is_known_at_the_first_beat(program, consumer):
    made = consumer()
    made.beat()
    told = made.describe()
    assert (told["queue"], told["function"], told["process_id"]) == ("q", "<lambda>", os.getpid())
    assert (told["host"], told["ip"]) == host()
    assert told["file"] == __file__
    assert (told["started"], told["time"]) == (program.clock.time(), program.clock.time())
    assert (told["finished"], told["failed"], told["average_seconds"], told["seconds_left"]) == (0, 0, None, None)


def test_counts_of_the_last_ten_seconds_and_since_the_start(program, consumer, monkeypatch):
    made = consumer()
    line = with_line(made, monkeypatch)
    made.beat()
    line.running = 2
    for seconds, each in ((10, 5), (10, 20)):
        for _ in range(seconds):
            program.clock.advance(1)
            made.intake.finished += each
            made.beat()
    told = made.describe()
    assert (told["finished"], told["lately"]["finished"], told["lately"]["seconds"]) == (250, 200, 10)
    assert told["lately"]["average_seconds"] == pytest.approx(2 * 10 / 200)  # two ran all the time
    assert told["average_seconds"] == pytest.approx(2 * 20 / 250)
    assert told["last_run"] == program.clock.time()


def test_run_times_are_measured_where_runs_are_timed(program, consumer):
    def task(x):
        return x

    made = consumer(task, is_using_rpc_mode=True)
    made.beat()
    program.server.put("q", message(task_id="t"))
    (delivery,) = made.intake.take(1)
    made._conclude(delivery, Outcome(1, None, 100.0, 100.25, 1))
    made.intake.finished += 1
    made.beat()
    assert made.describe()["average_seconds"] == pytest.approx(0.25)


def test_failures_for_good_are_counted_not_the_runs(program, consumer):
    made = consumer(lambda x: 1 / 0, max_retry_times=2)
    for _ in range(2):
        program.server.put("q", message(task_id="t"))
        (delivery,) = made.intake.take(1)
        while made._conclude(delivery, run(delivery)):
            pass
    assert made.describe()["failed"] == 2


def test_messages_are_counted_once_in_ten_seconds_and_the_time_left_estimated(program, consumer, monkeypatch):
    made = consumer()
    counts = []
    monkeypatch.setattr(made._broker, "count", lambda: counts.append(1) or 300)
    made.beat()
    for _ in range(20):
        program.clock.advance(1)
        made.intake.finished += 3
        made.beat()
    assert len(counts) == 3
    told = made.describe()
    assert (told["waiting"], told["last_waiting"]) == (300, program.clock.time())
    assert told["seconds_left"] == pytest.approx(100)


def test_a_broker_that_cannot_count_costs_only_the_number(program, consumer, monkeypatch):
    made = consumer()

    def count():
        raise OSError("away")

    monkeypatch.setattr(made._broker, "count", count)
    made.beat()
    assert made.describe()["waiting"] == -1
    assert program.environment.state.coordinator.members("q")
    mute = consumer(queue_name="mute", broker_kind="MUTE")
    monkeypatch.setattr(mute._broker, "count", count)
    mute.beat()
    assert mute.describe()["waiting"] == -1


def test_once_a_minute_a_line_where_something_ran(program, consumer, caplog, monkeypatch):
    made = consumer()
    line = with_line(made, monkeypatch)
    monkeypatch.setattr(made._broker, "count", lambda: 1800)
    with caplog.at_level(logging.INFO, "funboost.q"):
        made.beat()
        for each in (4, 0, 0):
            line.running = each
            for _ in range(60):
                program.clock.advance(1)
                made.intake.finished += each
                made.beat()
    (only,) = [record.getMessage() for record in caplog.records]
    assert only == (
        "q: 240 finished in the last 60 s (4.0/s), 0 of them failed, 1 s each; 1800 wait, about 8 minutes left"
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5, "5 seconds"), (119, "119 seconds"), (120, "2 minutes"), (7200, "2 hours"), (3 * 86400, "3 days")],
)
def test_durations_for_people(seconds, text):
    assert insight._duration(seconds) == text


def test_other_programs_find_the_consumers_and_their_queues(program, consumer):
    environment = program.environment
    assert directory.queues(environment) == []
    one, two, other = consumer(), consumer(), consumer(queue_name="b")
    for made in (one, two, other):
        made.beat()
    assert directory.queues(environment) == ["b", "q"]
    assert {info["consumer"] for info in directory.consumers(environment, "q")} == {one.id, two.id}
    two.release()
    assert [info["consumer"] for info in directory.consumers(environment, "q")] == [one.id]
