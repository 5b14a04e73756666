"""Who is taken for dead, and what that one can still do."""

from __future__ import annotations

import time

import pytest
from funboost_testing.services import Proxy
from redis_helpers import bodies, die, put, until

from funboost_core.ports.broker import Outgoing

pytestmark = pytest.mark.server


def test_the_dead_are_buried_once_in_order_and_counted(make, caplog):
    victim, survivors = make(), [make(), make()]
    put(survivors[0], *(b"%d" % i for i in range(6)))
    got = victim.fetch(4, 0)
    victim.ack(got[1:2])
    number = victim._claims.id
    die(victim)
    begun = time.monotonic()
    while "is gone" not in caplog.text:
        for survivor in survivors:
            survivor.maintain()
        assert time.monotonic() < begun + 20
        time.sleep(0.02)
    assert f"consumer {number} is gone; 3 messages" in caplog.text
    again = survivors[0].fetch(10, 0)
    assert [(d.body, d.attempts) for d in again] == [(b"0", 2), (b"2", 2), (b"3", 2), (b"4", 1), (b"5", 1)]
    survivors[0].turn(again, 1)
    put(survivors[0], b"0")
    assert survivors[0].fetch(1, 0)[0].attempts == 1, "what is settled is forgotten"
    assert caplog.text.count("is gone") == 1


def test_who_gives_no_sign_of_life_and_holds_a_connection_lives(make, caplog):
    """As a task does that lets no other thread run."""
    silent, other = make(), make()
    put(other, b"a")
    held = silent.fetch(1, 0)
    for _ in range(10):
        time.sleep(0.1)
        other.maintain()
    assert other.fetch(10, 0) == ()
    silent.ack(held)
    silent.maintain()
    assert "is gone" not in caplog.text


def test_a_connection_that_ended_is_held_anew(make, caplog):
    one, other = make(), make()
    put(other, b"a")
    held = one.fetch(1, 0)
    for _ in range(5):
        other._server.ask("CLIENT", "KILL", "ID", one._watch._held.number())
        one.maintain()
        time.sleep(0.25)
        other.maintain()
    assert "is gone" not in caplog.text
    one.ack(held)
    assert other.fetch(10, 0) == ()


def test_who_has_connected_again_since_it_was_looked_for_is_not_buried(make, caplog, monkeypatch):
    """Its connection has ended, and who noticed stands still; meanwhile it gives signs of life over another one."""
    one, other = make(), make()
    put(other, b"a")
    held = one.fetch(1, 0)
    watch, looked = other._watch, []
    listed = watch._listed

    def slow(consumers):
        living = listed(consumers)
        if consumers[0][0] == one._claims.id:
            looked.append(living)
            one.maintain()  # over a new connection
            time.sleep(0.3)  # and longer than a beat ago: it is held up as well
        return living

    other._server.ask("CLIENT", "KILL", "ID", one._watch._held.number())
    monkeypatch.setattr(watch, "_listed", slow)
    until(lambda: (time.sleep(0.05), other.maintain(), looked)[2])
    assert looked == [set()], "its old connection was not there"
    assert "is gone" not in caplog.text
    one.ack(held)
    assert other.fetch(10, 0) == ()


@pytest.fixture
def fenced(make):
    """One that was silent for longer than its lease, and one that has buried it."""
    silent, other = make(), make(lease_seconds=0.5)  # each buries by its own: the silent one is not to bury the other
    put(other, b"a", b"b", b"c")
    held = silent.fetch(2, 0)
    until(lambda: (time.sleep(0.05), other.maintain(), other.count())[2] == 3)
    return silent, other, held


def test_after_its_lease_a_consumer_is_dead_although_it_holds_a_connection(fenced):
    silent, other, held = fenced
    again = other.fetch(10, 0)
    assert [(d.body, d.attempts) for d in again] == [(b"a", 2), (b"b", 2), (b"c", 1)]
    silent.ack(held)
    silent.requeue(held)
    silent.forward(held[0], Outgoing(b"x"), silent.context.queue)
    silent.maintain()
    assert other.count() == 0, "who was taken for dead settles nothing"
    other.close()
    assert sorted(bodies(silent.fetch(10, 0))) == [b"a", b"b", b"c"]


def test_who_was_taken_for_dead_registers_again_and_its_old_numbers_hit_nothing(fenced, caplog):
    silent, other, held = fenced
    got = silent.turn(held, 1)
    assert bodies(got) == [b"a"]
    assert "registers again" in caplog.text
    silent.ack(held)
    silent.close()
    assert sorted(bodies(other.fetch(10, 0))) == [b"a", b"b", b"c"]


@pytest.mark.parametrize("then", ["fetches", "is gone"])
def test_a_wait_that_is_answered_after_its_consumer_was_buried_loses_nothing(make, then):
    """The server moves a message into the list of one that waits, whether or not it was taken for dead meanwhile."""
    silent, other = make(), make(lease_seconds=0.5)
    server, claims = other._server, silent._claims
    until(lambda: (time.sleep(0.05), other.maintain(), server.ask("EXISTS", claims.held))[2] == 0)
    put(other, b"late")
    server.ask("BLMOVE", silent.context.queue, claims.waiting, "LEFT", "RIGHT", 1)
    if then == "fetches":
        assert bodies(silent.fetch(1, 0)) == [b"late"]
        return
    die(silent)
    for _ in range(11):
        other.maintain()
    assert bodies(other.fetch(1, 0)) == [b"late"]


def test_closing_a_consumer_whose_server_is_away_leaves_it_to_the_others(make, redis_place, caplog):
    with Proxy(redis_place.url) as proxy:
        first = make(url=proxy.url)
        put(first, b"a")
        first.fetch(1, 0)
        with proxy.refuse():
            first.close()
        assert "Others will give back" in caplog.text
    other = make()
    until(lambda: (other.maintain(), other.count())[1] == 1)
