"""A push broker under the consuming line: what is settled, what is kept, how it ends."""

from __future__ import annotations

import threading

import pytest

from funboost_core import (
    BoosterParams,
    BrokerSpec,
    BrokerUnavailable,
    Capability,
    ConfigError,
    Delivery,
    Outgoing,
    PushBroker,
    hookimpl,
)
from funboost_core.consuming import pushed
from funboost_core.consuming.pushed import Pushed, open_broker
from funboost_core.consuming.settling import Settler
from funboost_core.environment import Environment
from funboost_core.ports.broker import Broker
from funboost_core.ports.push import Overflow
from funboost_core.task import Task

C = Capability
KINDS = {
    "ALL": C.ACK | C.REQUEUE | C.SECOND_QUEUE | C.PUBLISH | C.THREADSAFE_ACK,
    "ACKS": C.ACK | C.PUBLISH | C.THREADSAFE_ACK,
    "NOTHING": C.PUBLISH | C.THREADSAFE_ACK,
}


class Recorder(PushBroker):
    overflow = Overflow.DROP

    def open(self):
        self.did = []
        self.obeys = True
        self.running = threading.Event()
        self.failing = None

    def run(self, sink, stop):
        self.running.set()
        (stop if self.obeys else threading.Event()).wait()

    def publish(self, messages):
        self.did += [("publish", message.body) for message in messages]

    def ack(self, deliveries):
        self.did += [("ack", delivery.body) for delivery in deliveries]

    def requeue(self, deliveries):
        if self.failing:
            raise self.failing
        self.did += [("requeue", delivery.body) for delivery in deliveries]

    def forward(self, delivery, message, queue):
        self.did.append(("forward", delivery.body))

    def close(self):
        self.did.append(("close", None))


class Silent(Broker):
    def publish(self, messages): ...


class Plugin:
    @hookimpl
    def funboost_brokers(self):
        return [BrokerSpec("SILENT", Silent, C.PUBLISH), *(BrokerSpec(k, Recorder, can) for k, can in KINDS.items())]


@pytest.fixture
def make(tmp_path):
    environments = []

    def make(kind, **settings):
        environment = Environment({"DATA_DIR": str(tmp_path), **settings})
        environments.append(environment)
        environment.manager.register(Plugin())
        return open_broker(Task(BoosterParams(queue_name="q", broker_kind=kind), None, environment))

    yield make
    for environment in environments:
        environment.close()


def filled(line, *bodies):
    line.fetch(len(bodies), 0)
    deliveries = [Delivery(body) for body in bodies]
    assert all(line.sink.put(delivery) for delivery in deliveries)
    return deliveries


def test_what_can_only_publish_cannot_be_consumed_from(make):
    with pytest.raises(ConfigError, match="SILENT of queue 'q' cannot be consumed from"):
        make("SILENT")


def test_what_was_lost_while_it_ran_is_not_settled(make):
    line = make("ALL")
    lost, kept = filled(line, b"1", b"2")
    line.fetch(2, 0)
    for settle in (line.ack, line.requeue, lambda both: [line.forward(d, Outgoing(b""), "other") for d in both]):
        line.sink.lost([lost])
        settle([lost, kept])
    assert line._broker.did == [("ack", b"2"), ("requeue", b"2"), ("forward", b"2")]


def test_what_was_lost_while_it_ran_is_not_put_off(make):
    """It comes again, and whoever has it then puts it off."""
    line = make("ACKS", STATE_URL="memory://")
    lost, kept = filled(line, b"1", b"2")
    line.fetch(2, 0)
    line.sink.lost([lost])
    settler = Settler(line._task, line)
    for delivery in (lost, kept):
        settler.later(delivery, 0.0)
    parked = line.context.environment.state.parking.claim("q", 10, 60)
    assert [message.body for message in parked] == [b"2"]
    assert line._broker.did == [("ack", b"2")]


def test_without_requeue_what_is_given_back_is_kept_here(make):
    line = make("ACKS")
    (delivery,) = filled(line, b"1")
    line.requeue(line.fetch(1, 0))
    assert line.fetch(1, 0) == [delivery]
    assert line._broker.did == []


def test_what_nobody_comes_for_goes_back_at_the_second_beat(make):
    line = make("ALL")
    filled(line, b"1")
    line.maintain()
    assert line._broker.did == []
    line.maintain()
    assert line._broker.did == [("requeue", b"1")]
    assert line.sink.credit() == 0


def test_what_cannot_be_given_back_now_stays(make):
    line = make("ALL")
    filled(line, b"1")
    line.maintain()
    line._broker.failing = OSError("away")
    with pytest.raises(OSError, match="away"):
        line.maintain()
    assert [delivery.body for delivery in line.fetch(1, 0)] == [b"1"]


def test_drops_are_told_once_a_beat(make, caplog):
    line = make("NOTHING")
    for _ in range(3):
        line.sink.put(Delivery(b"1"))
    line.maintain()
    line.maintain()
    assert caplog.text.count("3 messages were dropped") == 1
    assert caplog.text.count("dropped") == 1


@pytest.mark.parametrize(("kind", "did"), [("ALL", [("requeue", b"1"), ("close", None)]), ("ACKS", [("close", None)])])
def test_at_the_end_the_broker_gets_back_what_it_can(make, kind, did):
    line = make(kind)
    filled(line, b"1")
    line.close()
    assert line._broker.did == did


def test_what_no_broker_takes_back_waits_in_the_state_store(make):
    line = make("NOTHING", STATE_URL="memory://")
    filled(line, b"1", '{"x": 2}', {"x": 3})
    line.close()
    parked = line.context.environment.state.parking.claim("q", 10, 60)
    assert sorted(message.body for message in parked) == [b"1", b'{"x": 2}', b'{"x":3}']
    following = open_broker(line._task)
    following.publish([Outgoing(message.body) for message in parked])  # at a beat
    assert len(following.sink._offers) == 3
    following.close()


def test_what_is_moved_on_or_given_back_when_it_has_ended_is_not_lost(make):
    """By a thread that nobody could wait for any longer."""
    line = make("NOTHING", STATE_URL="memory://")
    filled(line, b"1")
    (held,) = line.fetch(1, 0)
    line.close()
    with pytest.raises(BrokerUnavailable, match="has ended"):
        line.publish([Outgoing(b"2")])
    line.requeue([held])
    assert line.sink._offers == {}
    parked = line.context.environment.state.parking.claim("q", 10, 60)
    assert [message.body for message in parked] == [b"1"]


def test_what_a_broker_leaves_waits_in_the_state_store_once(make):
    line = make("NOTHING", STATE_URL="memory://")
    line.sink.leave([Delivery(b"1")])
    line._broker.close = lambda: line.sink.leave([Delivery(b"2")])
    line.close()
    del line._broker.close
    line.close()
    parked = line.context.environment.state.parking.claim("q", 10, 60)
    assert sorted(message.body for message in parked) == [b"1", b"2"]


def test_without_a_state_store_the_loss_is_told(make, caplog):
    line = make("NOTHING")
    filled(line, b"1")
    line.close()
    assert "1 messages are lost" in caplog.text
    assert "Set STATE_URL" in caplog.text


def test_a_run_that_does_not_return_is_told_and_left_behind(make, caplog, monkeypatch):
    monkeypatch.setattr(pushed, "CLOSING", 0.05)
    line = make("ALL")
    assert isinstance(line, Pushed)
    line._broker.obeys = False
    line.listen()
    assert line._broker.running.wait(30)
    line.close()
    assert "has not returned within 0.05 s" in caplog.text
    assert line._broker.did == [("close", None)]
