"""MEMORY_QUEUE at port level."""

from __future__ import annotations

import gc
import weakref

import pytest
from funboost_broker_memory_queue.broker import MemoryBroker, queue_of
from funboost_broker_memory_queue.options import Options
from funboost_broker_memory_queue.plugin import funboost_brokers
from pydantic import ValidationError

from funboost_core.environment import Environment
from funboost_core.ports.broker import Outgoing
from funboost_core.ports.capability import Capability
from funboost_core.records import resolve


def send(broker, *bodies, **fields):
    broker.publish([Outgoing(body, **fields) for body in bodies])


def bodies(deliveries):
    return [delivery.body for delivery in deliveries]


def drain(broker):
    fetched = []
    while True:
        batch = broker.fetch(100, 0)
        if not batch:
            return fetched
        broker.ack(batch)
        fetched += bodies(batch)


def test_declaration_names_what_exists():
    (spec,) = funboost_brokers()
    assert resolve(spec.factory) is MemoryBroker
    assert resolve(spec.options) is Options
    assert Capability.OBJECTS in spec.capabilities
    assert not spec.capabilities & (Capability.PERSISTENT | Capability.CROSS_PROCESS | Capability.CROSS_HOST)


def test_first_in_first_out_and_bodies_are_passed_as_they_are(broker):
    message, raw = {"x": object()}, b"\x00raw\xff"
    send(broker, message, raw, {"y": 1})
    assert broker.count() == 3
    first, second, third = broker.fetch(100, 0)
    assert first.body is message
    assert second.body is raw
    assert third.body == {"y": 1}
    assert [delivery.attempts for delivery in (first, second, third)] == [1, 1, 1]
    assert broker.count() == 0
    assert broker.fetch(100, 0) == []


def test_limit_is_that_of_the_call_or_of_the_options(make):
    broker = make(options=Options(pull_msg_batch_size=4))
    send(broker, *range(10))
    assert bodies(broker.fetch(3, 0)) == [0, 1, 2]
    assert bodies(broker.fetch(100, 0)) == [3, 4, 5, 6]
    for wrong in (0, 1001):
        with pytest.raises(ValidationError):
            Options(pull_msg_batch_size=wrong)
    with pytest.raises(ValidationError, match="pull_msg_batchsize"):
        Options(pull_msg_batchsize=1)


def test_higher_priority_first_and_in_order_within_one(broker):
    for i, priority in enumerate((0, 5, 1, 5, 0, -1, 9, 1)):
        send(broker, (priority, i), priority=priority)
    assert drain(broker) == [(9, 6), (5, 1), (5, 3), (1, 2), (1, 7), (0, 0), (0, 4), (-1, 5)]


def test_priorities_hold_across_single_fetches(broker):
    send(broker, "low 1", "low 2")
    send(broker, "high", priority=1)
    assert bodies(broker.fetch(1, 0)) == ["high"]
    assert bodies(broker.fetch(1, 0)) == ["low 1"]
    send(broker, "higher", priority=2)
    assert bodies(broker.fetch(2, 0)) == ["higher", "low 2"]


def test_a_due_message_is_withheld_until_its_time(broker, clock):
    now = clock.time()
    send(broker, "in 10", due=now + 10)
    send(broker, "in 5, urgent", due=now + 5, priority=3)
    send(broker, "overdue", due=now - 1)
    send(broker, "plain")
    assert broker.count() == 4
    assert bodies(broker.fetch(100, 0)) == ["overdue", "plain"]
    clock.advance(4.999)
    assert broker.fetch(100, 0) == []
    clock.advance(0.001)
    send(broker, "plain 2")
    assert bodies(broker.fetch(100, 0)) == ["in 5, urgent", "plain 2"]
    clock.advance(5)
    assert bodies(broker.fetch(100, 0)) == ["in 10"]


def test_acknowledged_is_gone_and_acknowledging_twice_is_harmless(broker, make):
    send(broker, "a", "b")
    fetched = broker.fetch(100, 0)
    broker.ack(fetched[:1])
    broker.ack(fetched[:1])
    broker.close()
    assert drain(make()) == ["b"]


def test_close_returns_what_is_held_to_the_front_in_order(broker, make):
    send(broker, "a", "b", "c", "d")
    send(broker, "p1", "p2", priority=1)
    held = broker.fetch(5, 0)
    broker.ack([held[3]])
    send(broker, "p3", priority=1)
    broker.close()
    other = make()
    again = other.fetch(100, 0)
    assert bodies(again) == ["p1", "p2", "p3", "a", "c", "d"]
    assert [delivery.attempts for delivery in again] == [1] * 6, "no consumer has died"
    broker.ack(held)
    broker.requeue(held)
    broker.forward(held[0], Outgoing("never"), "q")
    assert other.count() == 0, "what was given away cannot be settled any more"


def test_requeue_gives_the_message_back_unchanged(broker):
    send(broker, "a", priority=2)
    send(broker, "b", attempts=3)
    first, second = broker.fetch(2, 0)
    first.runs, first.extra = 7, {"task_id": "t"}
    send(broker, "c")
    broker.requeue([first, second])
    broker.requeue([first, second])
    again = broker.fetch(100, 0)
    assert bodies(again) == ["a", "c", "b"]
    assert [delivery.attempts for delivery in again] == [1, 1, 4]
    assert again[0].runs == 0
    assert not hasattr(again[0], "extra")


def test_forward_publishes_elsewhere_and_acknowledges(broker, make):
    send(broker, "a", "b")
    a, b = broker.fetch(2, 0)
    broker.forward(a, Outgoing("dead a", attempts=a.attempts), "q_dlx")
    broker.forward(a, Outgoing("dead a", attempts=a.attempts), "q_dlx")
    broker.forward(b, Outgoing("b again"), "q")
    (dead,) = make("q_dlx").fetch(100, 0)
    assert (dead.body, dead.attempts) == ("dead a", 2)
    broker.close()
    assert drain(make()) == ["b again"]


def test_turn_acknowledges_and_fetches(broker, make):
    send(broker, *range(5))
    first = broker.turn((), 2)
    second = broker.turn(first, 2)
    assert bodies(first) + bodies(second) == [0, 1, 2, 3]
    broker.close()
    assert drain(make()) == [2, 3, 4]


def test_purge_removes_what_waits_and_not_what_is_held(broker, make, clock):
    send(broker, "held", "waits")
    broker.fetch(1, 0)
    send(broker, "ranked", priority=1)
    send(broker, "later", due=clock.time() + 5)
    assert broker.count() == 3
    broker.purge()
    assert broker.count() == 0
    clock.advance(5)
    assert broker.fetch(100, 0) == []
    broker.close()
    assert drain(make()) == ["held"]


def test_queues_are_shared_within_an_environment_only(broker, make, clock):
    send(broker, "a")
    assert make("other").count() == 0
    assert make(environment=Environment(clock=clock)).count() == 0
    assert drain(make()) == ["a"]


def test_queues_go_with_their_environment(clock):
    environment = Environment(clock=clock)
    queue = weakref.ref(queue_of(environment, "q"))
    del environment
    gc.collect()
    assert queue() is None
