"""Poison: a message whose workers die again and again is a dead letter before it runs once more."""

from __future__ import annotations

import json

import pytest
from support.program import message

from funboost_core import Ack, hookimpl
from funboost_core.consuming.leaving import leave
from funboost_core.consuming.suspects import Suspects
from funboost_core.errors import CannotJudge
from funboost_core.ports.broker import Delivery
from funboost_core.redrive import restore


def taken(line, program, *attempts, body=None):
    """Which of messages with so many deliveries may run."""
    for number, count in enumerate(attempts):
        program.server.put("q", body or message({"x": number}, task_id=f"t{number}"), attempts=count)
    return list(line.intake.take(100, wait=0))


def about(program):
    return [json.loads(body)["extra"]["dead_letter"] for body in program.server.bodies("q_dlx")]


@pytest.mark.parametrize(
    ("most", "attempts", "runs"),
    [(10, 1, True), (10, 10, True), (10, 11, False), (10, 99, False), (1, 1, True), (1, 2, False), (None, 10**6, True)],
)
def test_the_cap(program, most, attempts, runs):
    line = program.line(max_deliveries=most)
    assert bool(taken(line, program, attempts)) is runs
    assert len(program.server.bodies("q_dlx")) == (not runs)


def test_it_is_ten_unless_told_otherwise(program):
    line = program.line()
    assert [len(taken(line, program, attempts)) for attempts in (10, 11)] == [1, 0]


def test_the_reason_says_what_happened_and_the_message_is_whole(program, caplog):
    line = program.line(max_deliveries=3)
    body = message({"x": 1}, tenant="blue")
    assert taken(line, program, 4, body=body) == []
    (told,) = about(program)
    assert told["reason"] == "3 workers ended without settling it"
    assert restore(program.server.bodies("q_dlx")[0]) == body
    assert "3 workers ended" in caplog.text
    one = program.line(max_deliveries=1)
    taken(one, program, 2)
    assert about(program)[1]["reason"] == "1 worker ended without settling it"


def test_no_plugin_sees_it_again(program):
    """Decoding it may be what kills."""

    class Deadly:
        @hookimpl
        def funboost_convert_message(self, body):
            raise AssertionError("it was converted")

        @hookimpl
        def funboost_admit(self, delivery):
            raise AssertionError("it was admitted")

    line = program.line(hooks=[Deadly()], max_deliveries=3)
    for body in (message(), b"\xff no message"):
        assert taken(line, program, 4, body=body) == []
        assert restore(program.server.bodies("q_dlx")[-1]) == body
    assert {told["reason"] for told in about(program)} == {"3 workers ended without settling it"}


def test_who_waits_for_its_result_is_told(program):
    line = program.line(max_deliveries=3)
    taken(line, program, 4, body=message(is_using_rpc_mode=True, task_id="t"))
    (reply,) = program.environment.state.replies.kept.values()
    assert "3 workers ended without settling it" in str(reply)


# -- no two at once ------------------------------------------------------------------------------------------------


def test_under_grave_suspicion_they_run_one_at_a_time(program):
    """What was merely beside the one that kills gets through; it does not wait in a worker meanwhile."""
    line = program.line()
    ready = taken(line, program, 7, 1, 8, 6, 7, 2)
    assert [delivery.arguments["x"] for delivery in ready] == [0, 1, 3, 5]
    assert len(program.server.bodies("q")) == 2
    assert taken(line, program) == [], "the first one is still at it"
    leave(ready[0], Ack())
    (second,) = taken(line, program)
    assert second.arguments["x"] == 2
    assert second.attempts == 8
    line.settler.give_back([second])
    (third,) = taken(line, program)
    assert third.arguments["x"] == 4
    assert program.server.bodies("q_dlx") == []


def test_the_plan_of_the_others_stays_as_it_was(program):
    line = program.line()
    suspect, plain = taken(line, program, 9, 1)
    assert plain.plan is line.planner.plain
    assert plain.plan.bare and not plain.plan.leave
    assert not suspect.plan.bare
    assert suspect.plan.params is plain.plan.params


# -- brokers that only say that it is not the first time ---------------------------------------------------------------


def test_what_the_broker_does_not_count_is_counted_in_the_state(program):
    line = program.line(max_deliveries=3)
    other = message({"x": 2}, task_id="other")
    for attempts in (1, 0, 0):
        (delivery,) = taken(line, program, attempts, body=message(task_id="t"))
    assert delivery.attempts == 3
    assert taken(line, program, 0, body=message(task_id="t")) == []
    assert [told["reason"] for told in about(program)] == ["3 workers ended without settling it"]
    (delivery,) = taken(line, program, 0, body=other)
    assert delivery.attempts == 2


def test_a_first_delivery_writes_nothing(program):
    line = program.line()
    taken(line, program, 1, 1, 5)
    assert program.environment.state.coordinator._flags == {}


def test_without_state_it_is_taken_for_the_first_time(make_program):
    program = make_program(STATE_URL="")
    line = program.line(max_deliveries=1)
    assert len(taken(line, program, 0)) == 1


def test_a_state_that_is_away_loses_nothing(program):
    suspects = Suspects(program.task())
    program.environment.state.coordinator.flags = lambda scope: 1 / 0
    with pytest.raises(CannotJudge, match="ZeroDivisionError"):
        suspects.condemned(Delivery(b"{}", attempts=0))
    line = program.line()
    program.server.put("q", message(), attempts=0)
    (delivery,) = line.broker.fetch(1, 0)
    assert line.intake._receiver.admit(delivery) is False
    assert program.server.bodies("q") == [message()]
