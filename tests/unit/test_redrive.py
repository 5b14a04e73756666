"""redrive: dead letters go back to where they came from, to the byte."""

from __future__ import annotations

import json

import pytest
from support.program import message

from funboost_core import redrive
from funboost_core.redrive import restore

BODIES = [message({"x": 1, "y": "é"}), b'{"x":1}', b"\xff\x00not json", b"", b'{"x":1,"extra":7}', b'"\\ud800"']


def dead(line, bodies=BODIES):
    """Dead letters of these bodies, as the line makes them."""
    for number, body in enumerate(bodies):
        try:
            delivery = line.fetched(body)
            delivery.runs = 3
        except ValueError:
            delivery = line.raw(body)
        line.settler.dead_letter(delivery, f"reason {number}")


@pytest.mark.parametrize("settings", [{}, {"NAMESPACE": "staging"}])
@pytest.mark.parametrize("kind", ["TINY", "BARE"])
def test_exactly_what_was_sent_comes_back(make_program, kind, settings):
    program = make_program(**settings)
    line = program.line(broker_kind=kind)
    queue = line.task.queue
    dead(line)
    assert program.server.bodies(queue) == []
    assert redrive("q", kind, environment=program.environment) == len(BODIES)
    back = program.server.bodies(queue)
    assert back[0] == BODIES[0]
    assert json.loads(back[1])["x"] == 1
    assert back[2:4] == BODIES[2:4]
    assert back[4:] == BODIES[4:]
    assert program.server.bodies(queue + "_dlx") == []
    assert program.environment.state.parking.kept == {}
    assert redrive("q", kind, environment=program.environment) == 0
    assert all(broker.closed for broker in program.server.brokers if broker is not line.broker)


@pytest.mark.parametrize("kind", ["TINY", "BARE"])
@pytest.mark.parametrize("limit", [0, 1, 4, 250, 300])
def test_a_limit_moves_so_many_and_leaves_the_rest(program, kind, limit):
    line = program.line(broker_kind=kind)
    dead(line, [message({"x": number}, task_id=f"t{number}") for number in range(250)])
    moved = redrive("q", kind, limit=limit, environment=program.environment)
    assert moved == min(limit, 250) == len(program.server.bodies("q"))
    left = len(program.server.bodies("q_dlx")) + program.environment.state.parking.count("q_dlx")
    assert left == 250 - moved


def test_it_gets_a_fresh_set_of_attempts(program):
    line = program.line()
    delivery = line.fetched(message(run_times=3))
    line.settler.dead_letter(delivery, "failed 4 times", ValueError())
    redrive("q", environment=program.environment)
    (body,) = program.server.bodies("q")
    assert body == message()


@pytest.mark.parametrize("body", [b"?", b"[1]", b'{"x":1}', b'{"extra":5}', b'{"extra":{"dead_letter":7}}', {"x": 1}])
def test_what_is_no_dead_letter_of_ours_goes_back_as_it_is(body):
    assert restore(body) == body


def test_a_move_that_fails_loses_nothing(program):
    line = program.line()
    dead(line, [message({"x": number}) for number in range(5)])
    real = type(line.broker).forward
    done = []

    def failing(self, delivery, sent, queue):
        if len(done) == 2:
            raise ConnectionError("away")
        done.append(real(self, delivery, sent, queue))

    type(line.broker).forward = failing
    with pytest.raises(ConnectionError):
        redrive("q", environment=program.environment)
    assert len(program.server.bodies("q")) == 2
    assert len(program.server.bodies("q_dlx")) == 3


def test_objects_come_back_as_objects(program):
    line = program.line(broker_kind="OBJECTS")
    thing = object()
    line.settler.dead_letter(line.fetched({"x": thing, "extra": {"task_id": "t", "publish_time": 1}}), "x")
    redrive("q", "OBJECTS", environment=program.environment)
    assert program.server.bodies("q") == [{"x": thing, "extra": {"task_id": "t", "publish_time": 1}}]
