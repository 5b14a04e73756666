"""A consumer that ends while its other threads still act: they open nothing that nobody would close."""

from __future__ import annotations

import pytest
from funboost_testing.calls import Call
from redis_helpers import bodies, keys, put, until

from funboost_core.errors import BrokerError, BrokerUnavailable
from funboost_core.native import Event
from funboost_core.ports.broker import Outgoing

pytestmark = pytest.mark.server


def overtake(monkeypatch, thing, name, meanwhile):
    """Let `meanwhile` happen before the method `name` of `thing` begins, once."""
    method, done = getattr(thing, name), []

    def overtaken(*args, **kwargs):
        if not done:
            done.append(True)
            meanwhile()
        return method(*args, **kwargs)

    monkeypatch.setattr(thing, name, overtaken)


def test_a_fetch_that_begins_while_its_consumer_leaves_does_not_register_anew(make, monkeypatch):
    broker, look = make(), make(listen=False)

    def fetch():
        with pytest.raises(BrokerError, match="is closed"):
            broker.fetch(1, 0)

    overtake(monkeypatch, broker._claims, "leave", fetch)
    broker.close()
    assert keys(look) == []


def test_a_fetch_that_comes_too_late_for_its_claim_does_not_register_again(make, monkeypatch):
    broker, look = make(), make(listen=False)
    overtake(monkeypatch, broker._claims, "take", broker.close)
    with pytest.raises(BrokerError, match="is closed"):
        broker.fetch(1, 0)
    assert keys(look) == []


def test_who_registers_while_it_is_closed_is_known_no_more(make, monkeypatch):
    broker, look = make(listen=False), make(listen=False)
    made, closing = broker.make_claims, Event()
    calls = []

    def slow():
        calls.append(Call(broker.close))
        closing.wait(0.1)  # it can only wait for us
        return made()

    monkeypatch.setattr(broker, "make_claims", slow)
    try:
        broker.listen()
    except BrokerError:
        pass
    calls[0].result()
    assert broker._claims is None
    assert keys(look) == []


@pytest.mark.parametrize("confirmed", [True, False])
@pytest.mark.parametrize("shared", [True, False])
def test_a_push_that_comes_while_its_publisher_is_closed_leaves_no_connection(make, redis_place, confirmed, shared):
    """`Booster.close` may be called while others push; the next push opens another."""
    url = redis_place.url + ("" if shared else "?socket_timeout=9")  # of an address of its own: the last user
    broker, look = make(url=url, listen=False, confirmed=confirmed), make(listen=False)
    server = broker._server
    broker.close()
    before = len(look._server._links)
    put(broker, b"a")
    until(lambda: look.count() == 1)
    assert broker.count() == 1
    assert server.closed is not shared
    assert id(broker) not in server.users
    assert len(look._server._links) == before
    assert shared or not server._links


def test_a_beat_that_comes_while_its_consumer_ends_does_nothing(make):
    class Ending(type(make(listen=False))):
        @property
        def _watch(self):
            watch, self.__dict__["_watch"] = self.__dict__["_watch"], None  # as `close` does, between two looks
            return watch

        @_watch.setter
        def _watch(self, watch):
            self.__dict__["_watch"] = watch

    broker = make()
    watch = broker._watch
    broker.__class__ = Ending
    broker.maintain()
    broker.maintain()
    watch.close()


def test_what_was_claimed_is_not_forgotten_when_something_else_fails_after_it(make, monkeypatch):
    """The claim has been answered, and the connection ends before the rest is settled."""
    broker = make()
    broker.receive(Outgoing(b"tried", attempts=1))
    (tried,) = broker.fetch(1, 0)
    assert tried.attempts == 2
    put(broker, b"next")

    def cut():
        raise BrokerUnavailable(kind="REDIS_ACK_ABLE", error="cut")

    overtake(monkeypatch, broker._server, "ask", cut)
    with pytest.raises(BrokerUnavailable):
        broker.turn([tried], 10)
    got = broker.turn([tried], 10)
    assert bodies(got) == [b"next"]
    broker.ack(got)
    put(broker, b"tried")
    assert broker.fetch(1, 0)[0].attempts == 1
