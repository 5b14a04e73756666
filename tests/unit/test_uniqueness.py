"""uniqueness: which of equal messages runs, waits or is skipped; what becomes of the key when a message leaves."""

from __future__ import annotations

import json

import pytest
from funboost_testing.faults import Faults, raises
from support.program import message

from funboost_core import DeadLetter, Drop, Outcome, Requeue, Retry
from funboost_core.consuming.claims import LEASE
from funboost_core.consuming.consumer import Consumer
from funboost_core.consuming.execution import prepare, run
from funboost_core.outcome import ACK

T0 = 1_700_000_000.0
FILTERING = [{"do_task_filtering": True}, {"unique": "after_success"}]
RUNNING = [*FILTERING, {"unique": "while_running"}]


@pytest.fixture
def program(make_program):
    return make_program(STATE_URL="memory://")


@pytest.fixture
def consumer(program):
    made = []

    def make(function=lambda x, y=0: x, **params):
        made.append(Consumer(program.task(function, **{"concurrent_mode": "byhand", "max_retry_times": 0, **params})))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def take(consumer, program, arguments=None, task_id="t1", **extra):
    """The message as a delivery that may run, or None; what waits besides it is forgotten."""
    program.server.queues[consumer.task.queue].clear()
    program.server.put(consumer.task.queue, message(arguments, task_id=task_id, **extra))
    ready = consumer.intake.take(1, wait=0)
    return ready[0] if ready else None


def finish(consumer, delivery, verdict=ACK):
    consumer._finish(delivery, Outcome(1, None, 0, 0, 1), verdict)


def waiting(program, queue="q"):
    return [json.loads(body)["extra"]["task_id"] for body in program.server.bodies(queue)]


def test_unused_it_leaves_no_trace(program):
    assert program.line().planner.plain.bare
    assert program.line(task_filtering_expire_seconds=5).planner.plain.bare
    for params in [*RUNNING, {"unique": "while_queued"}]:
        assert not program.line(**params).planner.plain.bare


@pytest.mark.parametrize("params", RUNNING)
def test_an_equal_one_waits_for_who_runs(consumer, program, params):
    one = consumer(**params)
    first = take(one, program)
    assert first is not None
    assert take(one, program, task_id="t2") is None
    assert waiting(program) == ["t2"], "it was put off"
    assert take(one, program, {"x": 2}, task_id="t3") is not None


def test_the_pauses_grow_up_to_two_seconds(consumer, program):
    one = consumer(unique="while_running")
    take(one, program)
    pauses = []
    for age in (0, 1, 4, 100, 1e7):
        for _ in range(20):
            take(one, program, task_id="t2", publish_time=T0 - age)
            pauses.append((one._broker.sent[-1].due - program.clock.time(), age))
    longest = {age: max(pause for pause, other in pauses if other == age) for _, age in pauses}
    assert longest[0] <= 0.05 < longest[1] <= 0.25 < longest[4] <= 1 < longest[100] <= 2
    assert longest[1e7] <= 2
    assert len({pause for pause, age in pauses if age == 100}) > 1, "not all at the same moment"
    assert min(pauses)[0] > 0


@pytest.mark.parametrize("params", FILTERING)
def test_after_success_an_equal_one_is_skipped(consumer, program, params):
    one = consumer(**params, is_using_rpc_mode=True)
    finish(one, take(one, program))
    assert take(one, program, task_id="t2") is None
    assert program.server.bodies("q") == []
    assert len(program.server.acked) == 2
    told = json.loads(program.environment.state.replies.get("t2", 0))
    assert (told["success"], "equal" in told["exception_msg"]) == (False, True)


@pytest.mark.parametrize("params", FILTERING)
@pytest.mark.parametrize("verdict", [DeadLetter("no good"), Drop("no good")])
def test_after_failing_for_good_an_equal_one_runs(consumer, program, params, verdict):
    one = consumer(**params)
    finish(one, take(one, program), verdict)
    assert take(one, program, task_id="t2") is not None


@pytest.mark.parametrize("verdict", [Retry(500.0), Requeue()])
def test_who_comes_again_keeps_its_key(consumer, program, verdict):
    one = consumer(do_task_filtering=True)
    finish(one, take(one, program), verdict)
    program.clock.advance(verdict.after if isinstance(verdict, Retry) else 0)
    assert take(one, program, task_id="t2") is None
    assert take(one, program, task_id="t1") is not None


def test_the_key_of_who_never_comes_again_is_free_after_a_while(consumer, program):
    one = consumer(do_task_filtering=True)
    finish(one, take(one, program), Retry(500.0))
    program.clock.advance(500 + LEASE + 1)
    assert take(one, program, task_id="t2") is not None


def test_while_running_the_end_of_the_run_counts_alone(consumer, program):
    one = consumer(unique="while_running")
    for verdict in (ACK, Drop("x"), DeadLetter("x"), Retry(5.0), Requeue()):
        delivery = take(one, program)
        assert delivery is not None, verdict
        finish(one, delivery, verdict)


def test_a_success_counts_for_its_period(consumer, program):
    one = consumer(do_task_filtering=True, task_filtering_expire_seconds=60)
    finish(one, take(one, program))
    program.clock.advance(59)
    assert take(one, program, task_id="t2", publish_time=T0 + 59) is None
    program.clock.advance(2)
    assert take(one, program, task_id="t3", publish_time=T0 + 61) is not None


@pytest.mark.parametrize("params", RUNNING)
def test_what_is_given_back_gives_up_its_key(consumer, program, params):
    one, other = consumer(**params), consumer(**params)
    one.settler.give_back([take(one, program)])
    assert take(other, program, task_id="t2") is not None


@pytest.mark.parametrize("params", RUNNING)
def test_the_same_message_passes_at_another_consumer(consumer, program, params):
    dead, other = consumer(**params), consumer(**params)
    assert take(dead, program) is not None
    assert take(other, program, task_id="t2") is None
    assert take(other, program, task_id="t1") is not None


def test_who_comes_back_after_its_success_keeps_its_reply(consumer, program):
    """Its consumer died between keeping the key and the acknowledgement."""
    one = consumer(do_task_filtering=True, is_using_rpc_mode=True)
    delivery = take(one, program)
    finish(one, delivery)
    reply = program.environment.state.replies.get("t1", 0)
    assert json.loads(reply)["success"]
    assert take(one, program, task_id="t1") is None
    assert program.environment.state.replies.get("t1", 0) == reply
    assert len(program.server.acked) == 2


def test_an_expired_one_that_had_been_answered_keeps_its_reply(consumer, program):
    one = consumer(msg_expire_seconds=5, is_using_rpc_mode=True)
    finish(one, take(one, program))
    reply = program.environment.state.replies.get("t1", 0)
    program.clock.advance(10)
    assert take(one, program, task_id="t1") is None
    assert program.environment.state.replies.get("t1", 0) == reply


# -- which are equal ----------------------------------------------------------------------------------------------------


def test_the_default_of_an_argument_counts(consumer, program):
    one = consumer(unique="while_running")
    take(one, program, {"x": 1})
    assert take(one, program, {"y": 0, "x": 1}, task_id="t2") is None
    assert take(one, program, {"x": 1, "y": 1}, task_id="t3") is not None


def test_by_some_arguments_or_a_function_of_them(consumer, program):
    for key in ("x", ("x",), lambda x, y=0: x):
        one = consumer(unique="while_running", unique_key=key, queue_name=f"q{key}")
        delivery = take(one, program, {"x": 1, "y": 1})
        assert take(one, program, {"x": 1, "y": 2}, task_id="t2") is None
        finish(one, delivery)


@pytest.mark.parametrize("text", ["", "same", 0, "x" * 5000])
def test_by_the_text_that_a_message_brings(consumer, program, text):
    one = consumer(unique="while_running")
    take(one, program, {"x": 1}, filter_str=text)
    assert take(one, program, {"x": 2}, task_id="t2", filter_str=text) is None
    assert take(one, program, {"x": 3}, task_id="t3", filter_str="other") is not None
    assert take(one, program, {"x": 1}, task_id="t4") is not None, "none given: the arguments count"


def test_a_key_function_that_fails_makes_a_dead_letter(consumer, program):
    one = consumer(unique="while_running", unique_key=lambda x, y=0: 1 / x)
    assert take(one, program, {"x": 0}) is None
    (letter,) = map(json.loads, program.server.bodies("q_dlx"))
    assert "unique_key failed: ZeroDivisionError" in letter["extra"]["dead_letter"]["reason"]


def test_a_filter_that_fails_costs_no_message(consumer, program):
    one = consumer(do_task_filtering=True)
    with Faults(program.environment) as faults:
        faults.at("filter.claim", raises(OSError("away")))
        one.gate.hold = lambda seconds: None
        assert take(one, program) is None
    assert waiting(program) == ["t1"]
    assert len(one.intake.take(1, wait=0)) == 1


# -- a place in the queue -------------------------------------------------------------------------------------------------


def place_taken(program):
    """Whether an equal message would be held back."""
    answer = program.environment.state.filter.claim("q:while_queued", "k", "asking", 0.001)
    program.clock.advance(0.01)
    return answer is not None


@pytest.fixture
def queued(program):
    program.environment.state.filter.claim("q:while_queued", "k", "t1", 1e6)
    return {"task_id": "t1", "claimed_as": "k"}


def test_the_place_is_free_when_the_run_begins_and_not_before(consumer, program, queued):
    one = consumer(unique="while_queued")
    delivery = take(one, program, **queued)
    assert place_taken(program)
    prepare(delivery)
    assert not place_taken(program)
    program.environment.state.filter.claim("q:while_queued", "k", "t2", 1e6)
    assert not one._conclude(delivery, run(delivery))
    assert place_taken(program), "the next one's is its own"


def test_the_place_stays_with_what_is_given_back_or_put_off(consumer, program, queued):
    one = consumer(unique="while_queued")
    one.settler.give_back([take(one, program, **queued)])
    assert place_taken(program)
    assert take(one, program, **queued, countdown=100) is None
    assert place_taken(program)


def test_the_place_is_free_when_the_message_ends_without_a_run(consumer, program, queued):
    one = consumer(unique="while_queued", msg_expire_seconds=5)
    assert take(one, program, **queued, publish_time=T0 - 10) is None
    assert not place_taken(program)


def test_the_place_of_a_dead_letter_is_free(consumer, program, queued):
    one = consumer(unique="while_queued")
    assert take(one, program, {"unknown": 1}, **queued) is None
    assert not place_taken(program)
    (letter,) = map(json.loads, program.server.bodies("q_dlx"))
    assert "claimed_as" not in letter["extra"], "redriven it must not give up another's place"


def test_a_message_of_another_program_has_no_place_to_give_up(consumer, program):
    one = consumer(unique="while_queued")
    with Faults(program.environment) as faults:
        faults.at("filter.release", raises(OSError("away")), times=9)
        delivery = take(one, program)
        prepare(delivery)
        finish(one, delivery)
        assert faults.met == []
