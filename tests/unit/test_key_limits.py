"""key limits: starts a second and runs at once for each value of rate_key; what waits keeps its place, what leaves its slot."""

from __future__ import annotations

import json
import random

import pytest
from funboost_testing.faults import Faults, raises
from support.program import message

from funboost_core import Capability, ConfigError, DeadLetter, Drop, Outcome, Requeue, Retry, TaskOptions, boost
from funboost_core.consuming.claims import LEASE
from funboost_core.consuming.consumer import Consumer
from funboost_core.errors import CapabilityMissing, StateMissing
from funboost_core.outcome import ACK

T0 = 1_700_000_000.0


@pytest.fixture
def program(make_program):
    return make_program(STATE_URL="memory://")


@pytest.fixture
def consumer(program):
    made = []

    def make(function=lambda user="nobody", x=0: user, **params):
        params = {"concurrent_mode": "byhand", "max_retry_times": 0, "rate_key": "user", **params}
        made.append(Consumer(program.task(function, **params)))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def take(consumer, program, user="ann", task_id="t1", **extra):
    """The message as a delivery that may run, or None."""
    arguments = {} if user is None else {"user": user}
    return again(consumer, program, message(arguments, task_id=task_id, **extra))


def again(consumer, program, body):
    program.server.queues.clear()  # what was put off stays there: this broker does not know the time
    program.server.put(consumer.task.queue, body)
    ready = consumer.intake.take(1)
    return ready[0] if ready else None


def put_off(program):
    """The message that was put off just now."""
    return next(broker.sent.pop() for broker in program.server.brokers if broker.sent)


def extra_of(outgoing):
    return json.loads(outgoing.body)["extra"]


def finish(consumer, delivery, verdict=ACK):
    consumer._finish(delivery, Outcome(1, None, 0, 0, 1), verdict)


def test_unused_they_leave_no_trace(program):
    assert program.line().planner.plain.bare
    assert program.line().planner.plain.admit == ()
    assert program.line(rate_key="x", key_qps=5).planner.plain.bare


# -- key_qps ------------------------------------------------------------------------------------------------------------


def test_each_key_has_a_schedule_of_its_own(consumer, program):
    one = consumer(key_qps=2)
    assert take(one, program, "ann", "a1") is not None
    assert take(one, program, "bob", "b1") is not None
    assert take(one, program, "ann", "a2") is None
    sent = put_off(program)
    assert sent.due == pytest.approx(T0 + 0.5)
    assert extra_of(sent)["key_due"] == pytest.approx(T0 + 0.5)
    assert take(one, program, "ann", "a3") is None
    assert put_off(program).due == pytest.approx(T0 + 1.0)


def test_what_comes_back_has_its_start_also_when_it_is_late(consumer, program):
    one = consumer(key_qps=1)
    take(one, program, task_id="t1")
    take(one, program, task_id="t2")
    body = put_off(program).body
    assert again(one, program, body) is None
    early = put_off(program)
    assert early.due == pytest.approx(T0 + 1)
    program.clock.advance(30)
    delivery = again(one, program, early.body)
    assert delivery is not None
    assert "key_due" not in delivery.extra
    assert take(one, program, task_id="t3") is not None, "it did not reserve once more"


def test_a_retry_is_another_start(consumer, program):
    one = consumer(key_qps=1, retry_interval=5, max_retry_times=3)
    take(one, program, task_id="t1")
    take(one, program, task_id="t2")
    program.clock.advance(1)
    delivery = again(one, program, put_off(program).body)
    finish(one, delivery, Retry(5.0))
    retried = put_off(program)
    assert "key_due" not in extra_of(retried)
    program.clock.advance(5)
    assert again(one, program, retried.body) is not None
    assert take(one, program, task_id="t3") is None


@pytest.mark.parametrize("due", ["soon", None, True, float("nan"), float("inf"), [], {}])
def test_a_due_time_that_is_none_counts_for_nothing(consumer, program, due):
    one = consumer(key_qps=1)
    assert take(one, program, key_due=due) is not None
    assert take(one, program, task_id="t2", key_due=due) is None
    assert put_off(program).due == pytest.approx(T0 + 1)


def test_a_message_that_waits_for_its_key_was_in_time(consumer, program):
    one = consumer(key_qps=0.01)
    take(one, program, task_id="t1")
    assert take(one, program, task_id="t2", countdown=0, misfire_grace_time=5) is None
    program.clock.advance(100)
    assert again(one, program, put_off(program).body) is not None


def test_an_argument_that_is_left_out_counts_as_its_default(consumer, program):
    one = consumer(key_qps=1)
    assert take(one, program, None, "t1") is not None
    assert take(one, program, "nobody", "t2") is None


@pytest.mark.parametrize("key", [("user", "x"), lambda user, x=0: [user, x]])
def test_a_key_of_several_arguments_or_a_function(consumer, program, key):
    one = consumer(key_qps=1, rate_key=key)
    assert take(one, program, "ann", "t1") is not None
    assert again(one, program, message({"user": "ann", "x": 1}, task_id="t2")) is not None
    assert again(one, program, message({"user": "ann", "x": 0}, task_id="t3")) is None


def test_a_rate_key_that_fails_makes_a_dead_letter(consumer, program):
    one = consumer(key_qps=1, rate_key=lambda user, x=0: 1 / 0)
    assert take(one, program) is None
    (body,) = program.server.bodies("q_dlx")
    assert "rate_key failed: ZeroDivisionError" in json.loads(body)["extra"]["dead_letter"]["reason"]


def test_queues_of_a_group_share_their_keys(consumer, program):
    one = consumer(key_qps=1, rate_group="shop")
    two = consumer(queue_name="other", key_qps=1, rate_group="shop")
    assert take(one, program) is not None
    assert take(two, program, task_id="t2") is None
    assert take(two, program, "bob", "t3") is not None


def test_what_was_put_off_costs_no_start_of_qps(consumer, program):
    one = consumer(key_qps=1, qps=1)
    assert take(one, program, "ann", "t1") is not None
    program.clock.advance(0.999999)
    one.gate.rested()
    program.clock.advance(0.000001)
    assert take(one, program, "ann", "t2") is not None
    program.clock.advance(1)
    assert take(one, program, "ann", "t3") is not None
    program.clock.advance(0.5)
    one.gate.change_rate(2)
    assert take(one, program, "ann", "t4") is None
    assert one.gate.permit(False) == 1
    assert take(one, program, "bob", "t5") is not None


# -- key_concurrent_num ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("most", [1, 2, 5])
def test_so_many_at_once_for_each_key_in_all_consumers(consumer, program, most):
    consumers = [consumer(key_concurrent_num=most) for _ in range(3)]
    running = []
    for number in range(3 * most):
        delivery = take(consumers[number % 3], program, "ann", f"t{number}")
        if delivery is not None:
            running.append((consumers[number % 3], delivery))
    assert len(running) == most
    assert take(consumers[0], program, "bob", "b") is not None
    one, delivery = running.pop()
    finish(one, delivery)
    assert take(consumers[1], program, "ann", "late") is not None
    assert take(consumers[2], program, "ann", "later") is None


@pytest.mark.parametrize("verdict", [ACK, Retry(3.0), Requeue(), DeadLetter("x"), Drop("x")])
def test_every_end_frees_the_slot(consumer, program, verdict):
    one, other = consumer(key_concurrent_num=1), consumer(key_concurrent_num=1)
    finish(one, take(one, program, task_id="t1"), verdict)
    assert take(other, program, task_id="t2") is not None


def test_what_is_given_back_unstarted_frees_the_slot(consumer, program):
    one, two = consumer(key_concurrent_num=1), consumer(key_concurrent_num=1)
    delivery = take(one, program, task_id="t1")
    one.settler.give_back([delivery])
    assert take(two, program, task_id="t2") is not None


def test_the_pauses_grow_and_have_an_end(consumer, program):
    random.seed(5)
    one = consumer(key_concurrent_num=1)
    take(one, program, task_id="t1")
    take(one, program, task_id="t2")
    pauses = []
    for _ in range(15):
        sent = put_off(program)
        pauses.append(sent.due - program.clock.time())
        program.clock.advance(pauses[-1] + 0.001)
        again(one, program, sent.body)
    assert 0.025 <= pauses[0] <= 0.05
    assert pauses[4] > pauses[0] * 4
    assert all(1 <= pause <= 2 for pause in pauses[-8:])
    assert len(set(pauses[-8:])) == 8, "they do not all come back at once"
    sent = put_off(program)
    one.release()
    delivery = again(consumer(key_concurrent_num=2), program, sent.body)
    assert "key_waits" not in delivery.extra


@pytest.mark.parametrize("waits", [-5, "many", 1e9, None, True, 10**30])
def test_a_strange_number_of_waits_is_no_obstacle(consumer, program, waits):
    one = consumer(key_concurrent_num=1)
    take(one, program, task_id="t1")
    assert take(one, program, task_id="t2", key_waits=waits) is None
    assert 0 < put_off(program).due - T0 <= 2


def test_the_message_of_a_killed_consumer_passes_at_once(consumer, program):
    killed, other = consumer(key_concurrent_num=1), consumer(key_concurrent_num=1)
    take(killed, program, task_id="t1")
    assert take(other, program, task_id="t2") is None
    delivery = take(other, program, task_id="t1")
    assert delivery is not None
    finish(other, delivery)
    assert take(other, program, task_id="t2") is not None


def test_the_slot_of_a_killed_consumer_is_free_after_the_lease(consumer, program):
    killed, other = consumer(key_concurrent_num=1), consumer(key_concurrent_num=1)
    take(killed, program, task_id="t1")
    program.clock.advance(LEASE - 1)
    assert take(other, program, task_id="t2") is None
    program.clock.advance(2)
    assert take(other, program, task_id="t2") is not None


def test_a_beat_renews_the_slot_of_a_long_run(consumer, program):
    one, other = consumer(key_concurrent_num=1), consumer(key_concurrent_num=1)
    take(one, program, task_id="t1")
    for _ in range(10):
        program.clock.advance(LEASE / 2)
        one.beat()
    assert take(other, program, task_id="t2") is None


def test_one_consumer_alone_asks_for_no_slot_that_it_has_itself(consumer, program):
    one = consumer(key_concurrent_num=50)
    for number in range(50):
        assert take(one, program, task_id=f"t{number}") is not None
    with Faults(program.environment) as faults:
        faults.at("filter.claim", raises(OSError("never asked")), times=1000)
        assert take(one, program, task_id="too many") is None
        assert faults.calls("filter.claim") == 0


def test_a_message_that_is_delivered_twice_has_one_slot(consumer, program):
    one = consumer(key_concurrent_num=2)
    first, second = take(one, program, task_id="t1"), take(one, program, task_id="t1")
    assert first is not None
    assert second is not None
    assert take(one, program, task_id="t2") is not None
    assert take(one, program, task_id="t3") is None
    finish(one, first)
    finish(one, second)
    assert take(one, program, task_id="t4") is not None


def test_a_slot_is_not_kept_by_what_waits_for_its_key_rate(consumer, program):
    one = consumer(key_concurrent_num=1, key_qps=1)
    delivery = take(one, program, task_id="t1")
    assert take(one, program, task_id="t2") is None
    finish(one, delivery)
    program.server.brokers[0].sent.clear()
    assert take(one, program, task_id="t3") is None
    waiting = put_off(program)
    assert waiting.due == pytest.approx(T0 + 1), "it found the slot free, and not yet its time"
    program.clock.advance(1)
    delivery = again(one, program, waiting.body)
    assert delivery is not None


# -- a store that fails ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("params", [{"key_qps": 1}, {"key_concurrent_num": 1}])
def test_while_the_store_fails_messages_go_back_and_the_fetcher_waits(consumer, program, params, monkeypatch):
    one = consumer(**params)
    held = []
    monkeypatch.setattr(one.gate, "hold", held.append)
    step = "coordinator.reserve" if "key_qps" in params else "filter.claim"
    with Faults(program.environment) as faults:
        faults.at(step, raises(ConnectionError("away")), times=3)
        for _ in range(3):
            assert take(one, program) is None
            assert program.server.bodies("q") != []
        assert len(held) == 3
        assert take(one, program) is not None


def test_a_slot_that_cannot_be_given_up_now_is_later(consumer, program):
    one, other = consumer(key_concurrent_num=1), consumer(key_concurrent_num=1)
    delivery = take(one, program, task_id="t1")
    with Faults(program.environment) as faults:
        faults.at("filter.release", raises(ConnectionError("away")), times=1)
        finish(one, delivery)
        assert take(other, program, task_id="t2") is None
        one.beat()
        assert take(other, program, task_id="t3") is not None


# -- refused where the task is declared -------------------------------------------------------------------------------------


def declare(program, function=lambda x: x, **params):
    return boost(program.params(**params), environment=program.environment)(function)


@pytest.mark.parametrize("params", [{"key_qps": 5}, {"key_concurrent_num": 1}])
def test_without_a_key_it_is_refused(program, params):
    for key in (None, (), ""):
        with pytest.raises(ConfigError, match="rate_key is missing"):
            declare(program, rate_key=key, **params)
    with pytest.raises(ConfigError, match=r"rate_key='z'.*takes: x"):
        declare(program, rate_key="z", **params)
    declare(program, rate_key="x", **params)


def test_what_limits_nothing_is_refused(program):
    with pytest.raises(ConfigError, match="Set key_qps or key_concurrent_num"):
        declare(program, rate_key="x")
    with pytest.raises(ConfigError, match="Set the group's qps"):
        declare(program, rate_group="g")
    declare(program, rate_group="g", rate_key="x", key_concurrent_num=1)


@pytest.mark.parametrize(
    ("params", "part"),
    [
        ({"is_using_distributed_frequency_control": True, "qps": 1}, "COORDINATOR_URL"),
        ({"rate_group": "g", "qps": 1}, "COORDINATOR_URL"),
        ({"rate_key": "x", "key_qps": 1}, "COORDINATOR_URL"),
        ({"rate_key": "x", "key_concurrent_num": 1}, "FILTER_URL"),
    ],
)
def test_without_a_place_to_agree_in_they_are_refused(make_program, params, part):
    name = next(iter(params)) if "rate_key" not in params else list(params)[1]
    with pytest.raises(StateMissing, match=f"{name} of queue 'q'.*STATE_URL"):
        declare(make_program(STATE_URL=""), **params)
    declare(make_program(STATE_URL="", **{part: "memory://"}), **params)


def test_without_a_place_to_wait_in_keys_are_refused(make_program):
    program = make_program(STATE_URL="", COORDINATOR_URL="memory://")
    with pytest.raises(CapabilityMissing, match=r"BARE.*key_qps.*STATE_URL"):
        declare(program, broker_kind="BARE", rate_key="x", key_qps=1)


def test_where_every_consumer_gets_every_message_slots_are_refused(program):
    spec = program.environment.catalog.find("brokers", "TINY")
    object.__setattr__(spec, "capabilities", spec.capabilities | Capability.BROADCAST)
    with pytest.raises(ConfigError, match="Use concurrent_num"):
        declare(program, rate_key="x", key_concurrent_num=1)
    declare(program, rate_key="x", key_qps=1)


@pytest.mark.parametrize("name", ["qps", "key_qps", "key_concurrent_num"])
def test_a_group_has_one_rate(program, name):
    common = {"rate_group": "g", "rate_key": "x", "qps": 1, "key_qps": 1, "key_concurrent_num": 1}
    declare(program, queue_name="one", **common)
    with pytest.raises(ConfigError, match=rf"'one' and 'two'.*{name}=1.* and {name}=2.*the same"):
        declare(program, queue_name="two", **{**common, name: 2})
    assert "two" not in program.environment.registry
    declare(program, queue_name="two", **common)
    declare(program, queue_name="three", **{**common, "rate_group": "h", name: 2})


@pytest.mark.parametrize("name", ["qps", "key_qps", "key_concurrent_num"])
def test_zero_is_no_rate(program, name):
    with pytest.raises(ValueError, match=name):
        program.params(rate_key="x", **{name: 0})


def test_they_belong_to_the_task_and_not_to_a_message():
    assert not {"rate_key", "key_qps", "key_concurrent_num", "rate_group"} & TaskOptions.model_fields.keys()
