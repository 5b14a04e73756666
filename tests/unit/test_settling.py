"""settling: every verdict carried out, in batches where it can be, and kept where the broker refuses for now."""

from __future__ import annotations

import base64
import json

import pytest
from support.broker import TinyBroker
from support.program import message

from funboost_core import Ack, DeadLetter, Drop, Requeue, Retry
from funboost_core.redrive import redrive, restore


class Unshowable(Exception):
    def __str__(self):
        raise RuntimeError("no text")


@pytest.fixture
def line(program):
    return program.line()


def dead(server, queue="q_dlx"):
    return [json.loads(body) for body in server.bodies(queue)]


# -- acknowledging -------------------------------------------------------------------------------------------------


def test_eager_acknowledges_at_once(line, program):
    for verdict in (Ack(), Drop("enough")):
        line.settler.settle(line.fetched(), verdict)
    assert [len(batch) for batch in program.server.acks] == [1, 1]


def test_lazy_collects_until_it_is_flushed(line, program):
    line.settler.eager = False
    deliveries = [line.fetched() for _ in range(5)]
    for delivery in deliveries:
        line.settler.ack(delivery)
    assert program.server.acks == []
    assert list(line.settler.acks) == deliveries
    line.settler.flush()
    line.settler.flush()
    assert [len(batch) for batch in program.server.acks] == [5]


def test_acks_can_be_taken_over_by_who_fetches(line, program):
    line.settler.eager = False
    deliveries = [line.fetched() for _ in range(3)]
    for delivery in deliveries:
        line.settler.ack(delivery)
    assert line.settler.take_acks() == deliveries
    assert line.settler.take_acks() == []


def test_acks_that_are_refused_stay_in_order_and_are_tried_again(line, program):
    line.settler.eager = False
    deliveries = [line.fetched() for _ in range(3)]
    for delivery in deliveries[:2]:
        line.settler.ack(delivery)
    program.server.failing["ack"] = [ConnectionError("away")]
    line.settler.flush()
    assert list(line.settler.acks) == deliveries[:2]
    line.settler.ack(deliveries[2])
    line.settler.flush()
    assert [len(batch) for batch in program.server.acks] == [3]


def test_acknowledging_twice_does_nothing(line, program):
    delivery = line.fetched()
    line.settler.ack(delivery)
    line.settler.ack(delivery)
    assert [len(batch) for batch in program.server.acks] == [1]


def test_a_broker_without_acknowledgement_is_not_asked(program):
    line = program.line(broker_kind="NO_ACK")
    line.settler.settle(line.fetched(), Ack())
    assert list(line.settler.acks) == []
    assert program.server.acks == []


def test_after_close_nothing_is_settled(line, program):
    line.settler.eager = False
    line.settler.ack(line.fetched())
    line.settler.close()
    line.settler.flush()
    line.settler.settle(line.fetched(), Ack())
    line.settler.settle(line.fetched(), DeadLetter("x"))
    line.settler.settle(line.fetched(), Requeue())
    assert program.server.acks == []
    assert program.server.bodies("q_dlx") == []
    assert len(line.broker.unacked) == 4


# -- requeue and later ---------------------------------------------------------------------------------------------


def test_requeue_gives_the_same_bytes_back(line, program):
    body = b'{ "x" : 1 }'
    line.settler.settle(line.fetched(body), Requeue())
    assert program.server.bodies("q") == [body]
    assert program.server.acks == []


def test_what_was_not_started_goes_back_in_one_piece(line, program):
    deliveries = [line.fetched(b'{"x":%d}' % number) for number in range(3)]
    line.settler.give_back(deliveries)
    line.settler.give_back([])
    assert program.server.bodies("q") == [b'{"x":0}', b'{"x":1}', b'{"x":2}']


def test_a_retry_later_is_the_brokers_own_delay_with_the_runs_counted(line, program):
    delivery = line.fetched(message(priority=7))
    delivery.runs, delivery.attempts = 1, 4
    line.settler.settle(delivery, Retry(30))
    (sent,) = line.broker.sent
    assert sent.due == program.clock.time() + 30
    assert (sent.priority, sent.attempts) == (7, 3), "this delivery is settled in order, it does not count"
    assert json.loads(sent.body)["extra"]["run_times"] == 2
    assert json.loads(sent.body)["x"] == 1
    assert line.broker.unacked == {}


@pytest.mark.parametrize("priority", ["high", None, [1], 2.5])
def test_a_priority_that_is_none_harms_nobody(line, priority):
    line.settler.settle(line.fetched(message(priority=priority)), Retry(30))
    assert line.broker.sent[0].priority == 0


def test_putting_off_without_changes_keeps_the_bytes(line, program):
    body = b'{ "x":1, "extra": {"countdown": 5} }'
    line.settler.later(line.fetched(body), 123.0)
    assert line.broker.sent[0].body == body
    assert line.broker.sent[0].due == 123.0


def test_a_broker_with_delay_but_without_second_queue_publishes_again_and_acknowledges(program):
    line = program.line(broker_kind="DELAYING")
    line.broker.forward = None
    line.settler.settle(line.fetched(), Retry(30))
    assert line.broker.sent[0].due == program.clock.time() + 30
    assert len(program.server.acked) == 1


def test_without_delay_messages_wait_in_the_parking(program):
    line = program.line(broker_kind="BARE")
    line.settler.settle(line.fetched(message()), Retry(30))
    (parked,) = program.environment.state.parking.kept.values()
    assert (parked.id, parked.target, parked.due) == ("q_result:1", "q", program.clock.time() + 30)
    assert json.loads(parked.body)["extra"]["run_times"] == 1
    assert program.server.acked == [message()]


def test_what_the_broker_has_lost_is_not_parked(program):
    line = program.line(broker_kind="BARE")
    delivery = line.fetched(message())
    line.broker.lost([delivery])
    line.settler.settle(delivery, Retry(30))
    line.settler.dead_letter(delivery, "no")
    assert not program.environment.state.parking.kept
    assert not program.server.acked


def test_parking_comes_before_acknowledging(program):
    line = program.line(broker_kind="BARE")
    line.fetched()
    parking = program.environment.state.parking
    parking.failing = [ConnectionError("away")]
    line.settler.settle(line.fetched(), Retry(30))
    assert program.server.acks == []
    line.settler.retry_moves()
    line.settler.retry_moves()
    assert len(parking.kept) == 1
    assert len(program.server.acked) == 1


def test_parking_again_after_a_failed_acknowledgement_is_harmless(program):
    line = program.line(broker_kind="BARE")
    for act in (
        lambda: line.settler.settle(line.fetched(), Retry(30)),
        lambda: line.settler.dead_letter(line.raw(b"?"), "bad"),
    ):
        program.server.failing["ack"] = [ConnectionError("away")]
        act()
        line.settler.retry_moves()
    assert program.environment.state.parking.count("q") == 1
    assert program.environment.state.parking.count("q_dlx") == 1
    assert line.broker.unacked == {}


@pytest.mark.parametrize("operation", ["forward", "requeue"])
def test_moves_that_are_refused_are_kept_and_tried_again(line, program, operation, caplog):
    program.server.failing[operation] = [ConnectionError("away")] * 2
    delivery = line.fetched()
    line.settler.settle(delivery, DeadLetter("x") if operation == "forward" else Requeue())
    assert delivery.tag in line.broker.unacked
    line.settler.retry_moves()
    assert delivery.tag in line.broker.unacked
    line.settler.retry_moves()
    assert line.broker.unacked == {}
    assert len(program.server.bodies("q_dlx" if operation == "forward" else "q")) == 1
    line.settler.retry_moves()
    assert len(line.broker.sent) == (1 if operation == "forward" else 0)
    assert "away" in caplog.text


def test_two_that_try_again_at_once_share_what_was_refused(line, program, monkeypatch):
    program.server.failing["requeue"] = [ConnectionError("away")] * 3
    for _ in range(3):
        line.settler.settle(line.fetched(), Requeue())
    requeue = line.broker.requeue

    def meanwhile(deliveries):  # what the end of a consumer does during a beat
        monkeypatch.setattr(line.broker, "requeue", requeue)
        line.settler.retry_moves()
        requeue(deliveries)

    monkeypatch.setattr(line.broker, "requeue", meanwhile)
    line.settler.retry_moves()
    assert line.broker.unacked == {}
    assert len(program.server.bodies("q")) == 3


def test_where_only_the_fetching_thread_may_settle_the_rest_waits_for_it(program):
    line = program.line(broker_kind="FETCHER_ONLY")
    one, two, three = (line.fetched(message({"x": number})) for number in range(3))
    line.settler.settle(one, Ack())
    line.settler.settle(two, Requeue())
    line.settler.settle(three, DeadLetter("x"))
    line.settler.retry_moves()
    line.settler.flush()
    assert len(line.broker.unacked) == 3
    assert line.broker._woken
    (again,) = line.intake.take(1, wait=0)
    assert again.body == two.body
    assert program.server.acked == [one.body]
    assert len(program.server.bodies("q_dlx")) == 1


def test_at_the_end_somebody_else_may_settle(program):
    line = program.line(broker_kind="FETCHER_ONLY")
    line.settler.settle(line.fetched(), Requeue())
    line.settler.settle(line.fetched(), Ack())
    line.settler.adopt()
    line.settler.retry_moves()
    line.settler.flush()
    assert line.broker.unacked == {}


# -- dead letters ----------------------------------------------------------------------------------------------------


def test_a_dead_letter_is_the_message_with_the_reason(line, program):
    delivery = line.fetched(message({"x": 1, "y": "é"}, tenant="blue"))
    delivery.runs = 2
    line.settler.settle(delivery, DeadLetter("failed 3 times"), ValueError("no good"))
    (letter,) = dead(program.server)
    about = letter["extra"].pop("dead_letter")
    assert letter == json.loads(message({"x": 1, "y": "é"}, tenant="blue"))
    assert about == {
        "reason": "failed 3 times",
        "error": "ValueError: no good",
        "attempts": 3,
        "queue": "q",
        "time": program.clock.time(),
    }
    assert line.broker.unacked == {}


def test_bytes_that_are_no_message_travel_exactly(line, program):
    body = bytes(range(256))
    line.settler.dead_letter(line.raw(body), "not JSON")
    (letter,) = dead(program.server)
    assert set(letter) == {"extra"}
    about = letter["extra"]["dead_letter"]
    assert base64.b64decode(about["body_b64"]) == body
    assert (about["reason"], about["error"], about["attempts"]) == ("not JSON", None, 0)


def test_text_that_is_no_message_travels_as_its_bytes(line, program):
    for text, raw in (("é\x00", "é\x00".encode()), ("\ud800", b"\xed\xa0\x80")):
        line.settler.dead_letter(line.raw(text), "not JSON")
        about = dead(program.server)[-1]["extra"]["dead_letter"]
        assert base64.b64decode(about["body_b64"]) == raw


def test_objects_stay_objects(program):
    line = program.line(broker_kind="OBJECTS")
    thing = object()
    line.settler.settle(line.fetched({"x": thing}), DeadLetter("x"))
    line.settler.dead_letter(line.raw({"x": thing, "extra": 5}), "extra is an int")
    good, bad = program.server.bodies("q_dlx")
    assert good["x"] is thing
    assert restore(bad) == {"x": thing, "extra": 5}


def test_an_error_that_cannot_be_shown_is_no_obstacle(line, program):
    line.settler.settle(line.fetched(), DeadLetter("x"), Unshowable())
    assert dead(program.server)[0]["extra"]["dead_letter"]["error"] == "Unshowable: <a Unshowable that cannot be shown>"


def test_arguments_that_the_function_made_unwritable_do_not_lose_the_message(line, program):
    body = message({"x": [1]})
    for act in (
        lambda delivery: line.settler.settle(delivery, DeadLetter("x"), ValueError("no")),
        lambda delivery: line.settler.settle(delivery, Retry(30)),
    ):
        delivery = line.fetched(body)
        delivery.arguments["x"].append(object())
        act(delivery)
        assert restore(program.server.bodies("q_dlx")[-1]) == body
    assert line.broker.unacked == {}
    assert "NotSerializable" not in str(line.broker.sent)


class Shy:
    def __repr__(self):
        raise RuntimeError("no text")


@pytest.mark.parametrize("thing", [object(), Shy()], ids=["shown", "unshown"])
def test_objects_that_no_store_can_keep_are_not_lost_silently(make_program, thing):
    """Their dead letter says what they were, is kept at the first try, and stays when the others are redriven."""
    program = make_program()
    line = program.line(broker_kind="BARE_OBJECTS")
    line.settler.settle(line.fetched({"x": thing, "extra": {"task_id": "t", "publish_time": 1}}), DeadLetter("x"))
    line.settler.later(line.fetched({"x": thing, "extra": {"task_id": "u", "publish_time": 1}}), 123.0)
    kept = program.environment.state.parking.kept
    abouts = {key[1]: json.loads(parked.body)["extra"]["dead_letter"] for key, parked in kept.items()}
    assert line.broker.unacked == {}
    assert abouts["t"]["reason"] == "x"
    assert "cannot be put off" in abouts["u"]["reason"]
    assert "body_repr" in abouts["t"] and "x" in abouts["t"]["unwritable"]
    assert redrive("q", "BARE_OBJECTS", environment=program.environment) == 0
    assert len(kept) == 2 and program.server.bodies("q") == []


def test_a_dead_letter_queue_never_dead_letters_further(program, caplog):
    line = program.line(queue_name="q_dlx")
    line.settler.dead_letter(line.fetched(), "again")
    assert program.server.bodies("q_dlx_dlx") == []
    assert len(program.server.acked) == 1
    assert "again" in caplog.text


def test_without_a_second_queue_dead_letters_are_parked_for_redrive(program):
    line = program.line(broker_kind="BARE")
    line.settler.dead_letter(line.fetched(message()), "x")
    for _ in range(2):
        line.settler.dead_letter(line.raw(b"\xff"), "y")
    parked = list(program.environment.state.parking.kept.values())
    assert [one.target for one in parked] == ["q_dlx"] * 3
    assert parked[0].id == "q_result:1"
    assert [restore(one.body) for one in parked[1:]] == [b"\xff", b"\xff"]
    assert {one.reason for one in parked} == {"x", "y"}
    assert line.broker.unacked == {}


def test_the_namespace_is_part_of_the_dead_letter_queue(make_program):
    program = make_program(NAMESPACE="staging")
    line = program.line()
    line.settler.dead_letter(line.fetched(), "x")
    (letter,) = dead(program.server, "staging.q_dlx")
    assert letter["extra"]["dead_letter"]["queue"] == "q"


def test_the_ports_own_requeue_publishes_again_and_acknowledges(program):
    line = program.line()
    delivery = line.fetched(b'{"x":1}')
    super(TinyBroker, line.broker).requeue([delivery])
    assert program.server.bodies("q") == [b'{"x":1}']
    assert program.server.acked == [b'{"x":1}']
