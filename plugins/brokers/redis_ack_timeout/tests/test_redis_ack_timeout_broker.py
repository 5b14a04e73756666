"""What comes back after its time, and who can settle what then."""

from __future__ import annotations

import time

import pytest
from funboost_testing.calls import Call
from redis_helpers import bodies, brokers, keys, long_waits, put

from funboost_core.errors import BrokerUnavailable
from funboost_core.ports.broker import Outgoing

pytestmark = pytest.mark.server


@pytest.fixture
def make(redis_place):
    with brokers("REDIS_ACK_TIMEOUT", redis_place) as make:
        yield make


def test_late_messages_come_back_while_one_waits_and_are_counted(make, caplog, monkeypatch):
    long_waits(monkeypatch, "funboost_broker_redis_ack_timeout.broker")
    slow, other = make(ack_timeout=0.5), make(ack_timeout=0.5)
    put(other, b"a", b"b", b"c")
    begun = time.time()  # the server's clock counts
    held = slow.fetch(3, 0)
    slow.ack(held[1:2])
    again = Call(other.fetch, 10, 1000).result()
    assert time.time() - begun > 0.49
    assert [(d.body, d.attempts) for d in again] == [(b"a", 2), (b"c", 2)]
    assert "2 messages were not acknowledged within 0.5 s" in caplog.text
    slow.ack(held)
    slow.requeue(held)
    slow.forward(held[0], Outgoing(b"x"), slow.context.queue)
    assert other.count() == 0, "it settles nothing that was given away"
    other.ack(again)
    slow.close()
    other.close()
    assert keys(make(listen=False)) == []


def test_what_is_held_at_the_end_goes_back_in_order(make):
    """However many digits the numbers of calls and of places have."""
    broker = make()
    messages = [b"%d" % number for number in range(32)]
    for message in messages[:20]:
        put(broker, message)
        broker.fetch(1, 0)
    put(broker, *messages[20:])
    broker.fetch(12, 0)
    broker.close()
    assert bodies(make().fetch(100, 0)) == messages


def test_others_look_after_late_messages_also_while_they_are_busy(make):
    slow, busy = make(ack_timeout=0.3), make(ack_timeout=0.3)
    put(busy, b"a")
    slow.fetch(1, 0)
    time.sleep(0.4)
    assert busy.count() == 0
    busy.maintain()
    assert busy.count() == 1


def test_a_foreign_push_wakes_who_waits(make):
    broker, other = make(), make()
    waiting = Call(broker.fetch, 10, 20)
    time.sleep(0.1)
    other._server.ask("LPUSH", broker.context.queue, "x")
    assert bodies(waiting.result()) == [b"x"]


def test_a_call_in_doubt_is_given_back_by_the_next(make):
    broker = make()
    put(broker, b"a", b"b")
    call, arguments = broker._begin(10, [])
    from funboost_broker_redis_ack_timeout.scripts import CLAIM

    broker._server.run(CLAIM, broker._claim_keys, arguments)  # and its answer is lost
    assert broker.count() == 0
    got = broker.fetch(10, 0)
    assert [(d.body, d.attempts) for d in got] == [(b"a", 1), (b"b", 1)]
    assert all(not d.tag.startswith(call) for d in got)


def test_what_was_claimed_is_not_forgotten_when_something_else_fails_after_it(make, monkeypatch):
    """The claim has been answered, and the connection ends before the rest is settled."""
    broker = make()
    broker.receive(Outgoing(b"tried", attempts=1))
    (tried,) = broker.fetch(1, 0)
    put(broker, b"next")

    def cut(*_):
        raise BrokerUnavailable(kind="REDIS_ACK_TIMEOUT", error="cut")

    with monkeypatch.context() as patch:
        patch.setattr(broker._server, "ask", cut)
        with pytest.raises(BrokerUnavailable):
            broker.turn([tried], 10)
    assert bodies(broker.turn([tried], 10)) == [b"next"]


def test_a_beat_that_comes_after_the_end_connects_no_more(make):
    broker, look = make(), make(listen=False)
    broker.close()
    broker.maintain()
    assert id(broker) not in look._server.users
