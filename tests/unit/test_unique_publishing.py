"""publishing/once: of equal calls one is published; the others get its task id; nothing is claimed for nothing."""

from __future__ import annotations

import json

import pytest
from funboost_testing.faults import Faults, raises

from funboost_core import ConfigError, TaskOptions, hookimpl
from funboost_core.consuming.parked import Mover
from funboost_core.errors import PublishError
from funboost_core.publishing.once import QUEUED_LEASE, UNCONFIRMED, once

DAY = 24 * 3600


@pytest.fixture
def program(make_program):
    return make_program(STATE_URL="memory://")


@pytest.fixture
def queued(program):
    return program.booster(unique="while_queued")


@pytest.fixture
def throttled(program):
    return program.booster(throttle_seconds=100)


def sent(program, queue="q"):
    return [json.loads(body) for body in program.server.bodies(queue)]


def ids(program):
    return [message["extra"]["task_id"] for message in sent(program)]


def test_a_task_without_these_controls_has_nothing_of_it(program):
    publisher = program.booster().publisher
    assert once(publisher.task) is None
    for other in ({"unique": "while_running"}, {"do_task_filtering": True}):
        assert once(program.task(**other)) is None


@pytest.mark.parametrize("params", [{"unique": "while_queued"}, {"throttle_seconds": 100}])
def test_equal_calls_are_one_message_with_one_id(program, params, caplog):
    f = program.booster(**params)
    with caplog.at_level("INFO"):
        results = [f.push(1), f.push(1, y=0), f.push(x=1), f.publish({"x": 1}), *f.push_many([{"x": 1}, {"x": 1}])]
    assert {result.task_id for result in results} == set(ids(program)) == {results[0].task_id}
    assert len(ids(program)) == 1
    assert sum("is not published" in record.getMessage() for record in caplog.records) == 5
    assert f.push(2).task_id in ids(program)


@pytest.mark.parametrize("params", [{"unique": "while_queued"}, {"throttle_seconds": 100}])
def test_many_at_once(program, params):
    f = program.booster(**params)
    results = f.push_many([{"x": x} for x in (1, 2, 1, 3, 2, 1)])
    assert [m["x"] for m in sent(program)] == [1, 2, 3]
    first, second, third = ids(program)
    assert [r.task_id for r in results] == [first, second, first, third, second, first]


def test_by_key_and_by_text(program):
    by_x = program.booster(unique="while_queued", unique_key="x", queue_name="a")
    by_x.push(1, y=1)
    by_x.push(1, y=2)
    assert len(sent(program, "a")) == 1
    by_text = program.booster(unique="while_queued", queue_name="b")
    for text in ("", "", "other"):
        by_text.publish({"x": text}, options=TaskOptions(filter_str=text))
    assert [m["extra"]["filter_str"] for m in sent(program, "b")] == ["", "other"]


def test_before_hooks_come_first(program):
    class Lower:
        @hookimpl
        def funboost_before_publish(self, message):
            message.arguments["x"] = message.arguments["x"].lower()

    f = program.booster(unique="while_queued", hooks=[Lower()])
    f.push("A")
    f.push("a")
    assert len(sent(program)) == 1


def test_after_hooks_hear_of_what_was_published_only(program):
    heard = []

    class Hear:
        @hookimpl
        def funboost_after_publish(self, message):
            heard.append(message.arguments["x"])

    f = program.booster(unique="while_queued", hooks=[Hear()])
    f.push_many([{"x": 1}, {"x": 1}, {"x": 2}])
    debounced = program.booster(debounce_seconds=5, queue_name="d", hooks=[Hear()])
    debounced.push(3)
    assert heard == [1, 2, 3]


def test_the_message_says_what_its_consumer_has_to_give_up(program, queued, throttled):
    queued.push(1)
    assert sent(program)[0]["extra"]["claimed_as"] == '{"x":1,"y":0}'
    program.server.queues["q"].clear()
    throttled.push(1)
    assert "claimed_as" not in sent(program)[0]["extra"]


# -- how long -------------------------------------------------------------------------------------------------------------


def test_the_first_of_a_period(program, throttled):
    for _ in range(5):
        throttled.push(1)
        program.clock.advance(50)
    assert [m["extra"]["publish_time"] - 1_700_000_000 for m in sent(program)] == [0, 100, 200]


@pytest.mark.parametrize(
    ("params", "options", "seconds"),
    [
        ({}, {}, QUEUED_LEASE),
        ({"msg_expire_seconds": 100}, {}, 100),
        ({"msg_expire_seconds": 100}, {"msg_expire_seconds": 500}, 500),
        ({}, {"msg_expire_seconds": 500, "countdown": 10 * DAY}, 10 * DAY + 500),
    ],
)
def test_how_long_a_lost_message_keeps_others_out(program, params, options, seconds):
    f = program.booster(unique="while_queued", **params)
    f.publish({"x": 1}, options=TaskOptions(**options))
    program.clock.advance(seconds - 1)
    f.push(1)
    assert len(sent(program)) == 1
    program.clock.advance(2)
    f.push(1)
    assert len(sent(program)) == 2


def test_emptying_the_queue_frees_its_places(program, queued):
    queued.push(1)
    queued.clear()
    queued.push(1)
    assert len(sent(program)) == 1


# -- failures ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("params", [{"unique": "while_queued"}, {"throttle_seconds": 100}])
def test_what_could_not_be_published_claims_nothing(program, params):
    f = program.booster(**params)
    program.server.failing["publish"] = [OSError("away"), OSError("away")]
    for push in (lambda: f.push(1), lambda: f.push_many([{"x": 1}, {"x": 2}])):
        with pytest.raises(PublishError):
            push()
    f.push_many([{"x": 1}, {"x": 2}])
    assert [m["x"] for m in sent(program)] == [1, 2]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("nth", [1, 2, 3, 4])
def test_a_filter_that_fails_publishes_nothing_and_says_so(program, nth, after):
    failed = []

    class Failed:
        @hookimpl
        def funboost_publish_failed(self, message, error):
            failed.append(message.arguments["x"])

    f = program.booster(unique="while_queued", throttle_seconds=100, hooks=[Failed()])
    with Faults(program.environment) as faults:
        faults.at("filter.claim", raises(OSError("away")), nth=nth, after=after)
        with pytest.raises(PublishError, match="OSError: away"):
            f.push_many([{"x": 1}, {"x": 2}])
    assert (sent(program), failed) == ([], [1, 2])
    f.push_many([{"x": 1}, {"x": 2}])
    assert len(sent(program)) == 2, "nothing was left claimed"


def test_of_two_controls_both_must_agree(program):
    f = program.booster(unique="while_queued", throttle_seconds=100)
    first = f.push(1)
    program.clock.advance(101)
    assert f.push(1).task_id == first.task_id, "it is still queued"
    program.environment.state.filter.release("q:while_queued", '{"x":1,"y":0}', first.task_id)
    assert f.push(1).task_id != first.task_id, "what was held back has not used up the period"
    assert len(sent(program)) == 2


def test_a_filter_that_fails_after_publishing_is_no_failure(program, queued, caplog):
    with Faults(program.environment) as faults:
        faults.at("filter.renew", raises(OSError("away")))
        queued.push(1)
    assert len(sent(program)) == 1
    assert "the filter failed (OSError: away)" in caplog.text


def test_a_publisher_that_is_killed_before_it_published_bars_others_for_a_minute_only(program, queued):
    class Killed(BaseException):
        pass

    with Faults(program.environment) as faults:
        faults.at("filter.release", raises(Killed()))  # it does nothing any more
        faults.at("publish", raises(Killed()))
        with pytest.raises(Killed):
            queued.push(1)
    queued.push(1)
    assert sent(program) == []
    program.clock.advance(UNCONFIRMED + 1)
    queued.push(1)
    assert len(sent(program)) == 1


# -- the last after a silence ---------------------------------------------------------------------------------------------------


def due(program):
    parking = program.environment.state.parking
    claimed = parking.claim("q", 100, 1)
    parking.done(claimed)
    return [json.loads(parked.body) for parked in claimed]


def test_the_last_of_equal_calls_waits_for_a_silence(program):
    f = program.booster(debounce_seconds=10, unique_key="x")
    last = [f.push(x, y=y) for y in range(3) for x in (1, 2)][-2:]
    program.clock.advance(9)
    assert due(program) == []
    f.push(2, y=9)
    program.clock.advance(2)
    (message,) = due(program)
    assert (message["x"], message["y"], message["extra"]["task_id"]) == (1, 2, last[0].task_id)
    program.clock.advance(9)
    assert [(m["x"], m["y"]) for m in due(program)] == [(2, 9)]
    assert sent(program) == []


def test_many_debounced_at_once(program):
    f = program.booster(debounce_seconds=10, unique_key="x")
    f.push_many([{"x": 1, "y": 1}, {"x": 2, "y": 2}, {"x": 1, "y": 3}])
    program.clock.advance(11)
    assert sorted((m["x"], m["y"]) for m in due(program)) == [(1, 3), (2, 2)]


def test_a_newer_call_survives_that_an_older_one_could_not_be_moved_on(program):
    f = program.booster(debounce_seconds=10, unique_key="x")
    f.push(1, y=1)
    program.clock.advance(11)
    mover = Mover(f.task, f.task.make_broker())

    def meanwhile(environment):
        f.push(1, y=2)
        raise OSError("away")

    with Faults(program.environment) as faults:
        faults.at("publish", meanwhile)
        with pytest.raises(OSError, match="away"):
            mover.move()
    program.clock.advance(11)
    mover.move()
    assert [m["y"] for m in sent(program)] == [2]


def test_objects_wait_as_text(program):
    f = program.booster(debounce_seconds=10, broker_kind="OBJECTS")
    f.push(1)
    program.clock.advance(11)
    assert due(program)[0]["x"] == 1


def test_a_debounced_message_has_no_reply_to_wait_for(program):
    f = program.booster(debounce_seconds=10)
    with pytest.raises(ConfigError, match="is_using_rpc_mode"):
        f.publish({"x": 1}, options=TaskOptions(is_using_rpc_mode=True))


def test_a_parking_that_fails_is_told_to_who_publishes(program):
    f = program.booster(debounce_seconds=10)
    with Faults(program.environment) as faults:
        faults.at("parking.park", raises(OSError("away")))
        with pytest.raises(PublishError, match="away"):
            f.push(1)
