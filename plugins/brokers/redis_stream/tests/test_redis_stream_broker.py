"""The stream and its group: what other programs see, the dead, and connections that are cut."""

from __future__ import annotations

import logging
import time

import pytest
from funboost_broker_redis_stream.broker import RedisStreamBroker
from funboost_broker_redis_stream.options import Options
from funboost_store_redis.brokers.watch import DIG
from funboost_store_redis.link import Link
from pydantic import ValidationError
from redis_helpers import bodies, cut_at_every_command, die, keys, put, until

from funboost_core.environment import Environment
from funboost_core.errors import BrokerUnavailable
from funboost_core.ports.broker import BrokerContext, Outgoing

pytestmark = pytest.mark.server


@pytest.fixture
def make(redis_place):
    made = []

    def make(queue="q", url=None, listen=True, **options):
        settings = {"REDIS_URL": url or redis_place.url, "NAMESPACE": redis_place.namespace, "BEAT_SECONDS": 0.2}
        environment = Environment(settings)
        context = BrokerContext(
            "REDIS_STREAM", environment.namespaced(queue), Options(**options), environment, logging.getLogger("t")
        )
        made.append(RedisStreamBroker(context))
        made[-1].open()
        if listen:
            made[-1].listen()
        return made[-1]

    yield make
    for broker in made:
        broker.close()


def test_entries_are_as_documented_and_deleted_when_acknowledged(make):
    broker = make()
    server, queue = broker._server, broker.context.queue
    put(broker, b'{"x": 1}')
    ((_, fields),) = server.ask("XRANGE", queue, "-", "+")
    assert fields == [b"", b'{"x": 1}']
    server.ask("XADD", queue, "*", "", '{"x": 2}')
    server.ask("XADD", queue, "*", "payload", '{"x": 3}')
    got = broker.fetch(10, 0)
    assert bodies(got) == [b'{"x": 1}', b'{"x": 2}', b'{"x": 3}']
    assert [its[1] for its in server.ask("XINFO", "GROUPS", queue)] == [b"funboost_group"]
    broker.ack(got)
    assert server.ask("XLEN", queue) == 0
    broker.close()
    assert keys(make(listen=False)) == [], "a clean stop leaves nothing"


def test_a_fetch_that_was_waiting_when_its_consumer_left_leaves_nothing_either(make):
    """Its claim, which it has sent along, comes after the consumer's leaving."""
    broker, look = make(), make(listen=False)
    claims = broker._claims
    broker.close()
    late = [claims.id, next(claims._calls), 10]
    assert look._server.run(claims.scripts.claim, claims._claim_keys, late) == -1
    assert keys(look) == []


def test_what_another_thread_fetches_again_while_it_is_being_given_back_can_be_acknowledged(make, monkeypatch):
    """The server has given it back before the thread that asked for that goes on."""
    broker = make()
    server, run, again = broker._server, broker._server.run, []

    def overtaken(script, *rest):
        answer = run(script, *rest)
        if script is broker._scripts.requeue:
            again.extend(broker.fetch(1, 0))
        return answer

    put(broker, b"a")
    got = broker.fetch(1, 0)
    monkeypatch.setattr(server, "run", overtaken)
    broker.requeue(got)
    assert bodies(again) == [b"a"]
    broker.ack(again)
    assert server.ask("XLEN", broker.context.queue) == 0


def test_what_is_just_being_acknowledged_is_not_given_back_by_a_call_in_doubt(make, monkeypatch):
    """The connection of who fetches was cut, and the one that acknowledges takes its time."""
    broker = make()
    server, run, again = broker._server, broker._server.run, []

    def slow(script, *rest):
        if script is broker._scripts.ack:
            broker._claims._begin()  # of which nobody hears again
            again.extend(broker.fetch(1, 0))
        return run(script, *rest)

    put(broker, b"a")
    got = broker.fetch(1, 0)
    monkeypatch.setattr(server, "run", slow)
    broker.ack(got)
    assert not again
    assert server.ask("XLEN", broker.context.queue) == 0


def test_an_acknowledgement_that_came_to_nothing_does_not_take_from_us_what_we_have_fetched_again(make, monkeypatch):
    """We were taken for dead, and what we held was given to others: to us."""
    broker, other = make(), make()
    server, run, again = broker._server, broker._server.run, []

    def slow(script, *rest):
        answer = run(script, *rest)
        if script is broker._scripts.ack and not again:
            again.extend(broker.fetch(1, 0))
        return answer

    put(broker, b"a")
    got = broker.fetch(1, 0)
    other._watch._bury_one(broker._claims.id, broker._watch._held.number(), 0)
    with monkeypatch.context() as patch:
        patch.setattr(server, "run", slow)
        broker.ack(got)
    assert bodies(again) == [b"a"]
    broker.ack(again)
    assert server.ask("XLEN", broker.context.queue) == 0


def test_what_could_not_be_given_back_is_still_held(make, monkeypatch):
    def cut(*_):
        raise BrokerUnavailable(kind="REDIS_STREAM", error="cut")

    broker = make()
    put(broker, b"a")
    got = broker.fetch(1, 0)
    with monkeypatch.context() as patch:
        patch.setattr(broker._server, "run", cut)
        with pytest.raises(BrokerUnavailable):
            broker.requeue(got)
    broker.ack(got)
    assert broker._server.ask("XLEN", broker.context.queue) == 0


def test_what_a_wait_has_claimed_is_not_forgotten_when_something_else_fails_after_it(make, monkeypatch):
    """It has been read, and the connection ends before it is known how often it was tried."""
    broker, cuts = make(), []
    broker.receive(Outgoing(b"tried", attempts=1))
    tried = broker.fetch(1, 0)
    put(broker, b"a", b"b")
    ask = Link.ask

    def cut(link, *command):
        if command[0] == "HGET" and not cuts:
            cuts.append(command)
            raise BrokerUnavailable(kind="REDIS_STREAM", error="cut")
        return ask(link, *command)

    monkeypatch.setattr(Link, "ask", cut)
    with pytest.raises(BrokerUnavailable):
        broker._claims.wait((), 10, 1)
    assert cuts
    got = broker.fetch(10, 0)
    assert [(d.body, d.attempts) for d in got] == [(b"a", 1), (b"b", 1)]
    broker.ack([*tried, *got])
    assert broker._server.ask("XLEN", broker.context.queue) == 0


def test_who_has_connected_again_since_it_was_looked_for_is_not_buried(make, caplog, monkeypatch):
    one, other = make(), make()
    put(other, b"a")
    one.fetch(1, 0)
    seen = one._watch._held.number()
    other._server.ask("CLIENT", "KILL", "ID", seen)
    one.maintain()
    time.sleep(0.3)  # longer than a beat
    other._watch._bury_one(one._claims.id, seen, 0.2)
    assert "is gone" not in caplog.text
    assert other.count() == 0
    other._watch._bury_one(one._claims.id, one._watch._held.number(), 0.2)
    assert "is gone" in caplog.text
    assert other.count() == 1


@pytest.mark.parametrize("group", ["", "a b", "x'x", "a\\"])
def test_groups_that_are_none_are_refused(group):
    with pytest.raises(ValidationError):
        Options(group=group)


def test_two_groups_get_everything(make):
    one, other = make(group="one"), make(group="other")
    put(one, b"a", b"b")
    assert bodies(one.fetch(10, 0)) == bodies(other.fetch(10, 0)) == [b"a", b"b"]


def test_the_dead_are_buried_and_counted_and_other_programs_are_not(make, caplog):
    victim, survivor = make(), make()
    server, queue = victim._server, victim.context.queue
    put(survivor, *(b"%d" % i for i in range(6)))
    foreign = ("XREADGROUP", "GROUP", "funboost_group", "another program", "COUNT", 1, "STREAMS", queue, ">")
    assert server.ask(*foreign)
    got = victim.fetch(4, 0)
    victim.ack(got[:1])
    die(victim)
    until(lambda: (survivor.maintain(), "is gone" in caplog.text)[1])
    again = survivor.fetch(10, 0)
    assert [(d.body, d.attempts) for d in again] == [(b"2", 2), (b"3", 2), (b"4", 2), (b"5", 1)]
    assert caplog.text.count("is gone") == 1


def test_who_was_taken_for_dead_settles_nothing(make):
    silent, other = make(), make(lease_seconds=0.5)  # each buries by its own: the silent one is not to bury the other
    put(other, b"a", b"b")
    held = silent.fetch(2, 0)
    until(lambda: (time.sleep(0.05), other.maintain(), other.count())[2] == 2)
    again = other.fetch(10, 0)
    silent.ack(held)
    silent.requeue(held)
    silent.forward(held[0], Outgoing(b"x"), silent.context.queue)
    assert other.count() == 0
    assert not silent.fetch(10, 0), "it registers again"
    silent.ack(held)
    other.close()
    assert sorted(bodies(silent.fetch(10, 0))) == sorted(bodies(again)) == [b"a", b"b"]


def test_who_has_registered_again_keeps_what_it_fetches(make):
    """The waits of the dead are looked at now and then, under the name that it has again."""
    silent, other, patient = make(), make(lease_seconds=0.5), make()
    put(other, b"a")
    silent.fetch(1, 0)
    until(lambda: (time.sleep(0.05), other.maintain(), other.count())[2] == 1)
    assert bodies(silent.fetch(1, 0)) == [b"a"]
    for _ in range(2 * DIG):
        silent.maintain()
        patient.maintain()  # not the other: held up for half a second it would rightly bury again
    assert other.count() == 0
    assert not other.fetch(1, 0)


def test_what_is_given_back_twice_goes_behind(make):
    broker = make()
    put(broker, b"a", b"b", b"c")
    broker.requeue(broker.fetch(1, 0))
    first = broker.fetch(1, 0)
    assert bodies(first) == [b"a"]
    broker.requeue(first)
    assert bodies(broker.fetch(10, 0)) == [b"b", b"c", b"a"]


def test_purge_leaves_what_is_fetched(make):
    broker = make()
    put(broker, b"a", b"b", b"c")
    held = broker.fetch(2, 0)
    broker.requeue(held[:1])
    put(broker, b"later", due=9e9)
    assert broker.count() == 3
    broker.purge()
    assert broker.count() == 0
    broker.requeue(held[1:])
    assert bodies(broker.fetch(10, 0)) == [b"b"]


def test_a_deleted_stream_is_made_anew(make):
    broker = make()
    broker._server.ask("DEL", broker.context.queue)
    put(broker, b"a")
    assert bodies(broker.fetch(10, 0)) == [b"a"]
    broker._server.ask("DEL", broker.context.queue)
    broker.fetch(1, 0)
    try:
        broker.fetch(1, 0.05)
    except BrokerUnavailable:
        pass
    put(broker, b"b")
    assert bodies(broker.fetch(10, 5)) == [b"b"]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_cut_at_every_command_nothing_is_lost_and_nothing_comes_twice(make, redis_place, after):
    cut_at_every_command(make, redis_place, after)
