"""What each method does."""

from __future__ import annotations

import threading
import time

import pytest
from funboost_store_redis.link import Link
from funboost_testing.calls import Call
from redis_helpers import bodies, die, keys, long_waits, put, until, waiting

from funboost_core.errors import ConfigError
from funboost_core.ports.broker import Outgoing

pytestmark = pytest.mark.server


def test_any_program_may_push_plain_json(make):
    broker = make()
    server, queue = broker._server, broker.context.queue
    server.ask("RPUSH", queue, '{"x": 1}', '{"x": 2}')
    server.ask("LPUSH", queue, '{"x": 0}')
    assert bodies(broker.fetch(10, 0)) == [b'{"x": 0}', b'{"x": 1}', b'{"x": 2}']
    put(broker, b'{"x": 3}')
    assert server.ask("LRANGE", queue, 0, -1) == [b'{"x": 3}']


def test_a_foreign_push_wakes_who_waits(make):
    broker, other = make(), make(listen=False)
    fetch = waiting(broker, broker.fetch, 10, 20)
    other._server.ask("LPUSH", broker.context.queue, "x")
    (got,) = fetch.result()
    assert (got.body, got.attempts) == (b"x", 1)
    broker.ack([got])
    broker.close()
    assert keys(other) == []


def test_equal_messages_are_different_ones(make):
    broker = make()
    put(broker, *[b"same"] * 5)
    got = broker.fetch(10, 0)
    assert len({delivery.tag for delivery in got}) == 5
    broker.ack(got[1:4])
    broker.close()
    assert bodies(make().fetch(10, 0)) == [b"same"] * 2
    put(make("d", listen=False), b"same", b"same", due=0.0)
    assert bodies(make("d").fetch(10, 0)) == [b"same"] * 2


@pytest.mark.parametrize("body", [b"", b"\0" * 30, bytes(range(256)), "\u5317\n".encode(), b"x" * 3_000_000])
def test_bodies_come_back_exactly_also_late_and_from_the_dead(make, body):
    broker = make()
    put(broker, body)
    put(broker, body, due=0.0)
    assert bodies(broker.fetch(10, 0)) == [body, body]
    die(broker)
    other = make()
    until(lambda: (other.maintain(), other.count())[1] == 2)
    (one, two) = other.fetch(10, 0)
    assert one.body == two.body == body
    assert one.attempts > 1, "both were known to have been held by one that died"


def test_batches(make):
    broker = make(pull_msg_batch_size=1000)
    put(broker, *(b"%d" % number for number in range(5000)))
    assert broker.count() == 5000
    done = ()
    seen = []
    while True:
        done = broker.turn(done, 5000)
        if not done:
            break
        assert len(done) <= 1000
        seen += bodies(done)
    assert seen == [b"%d" % number for number in range(5000)]
    broker.close()
    assert keys(make(listen=False)) == []


def test_a_clean_stop_leaves_no_key(make):
    broker, other = make(), make("other")
    put(broker, *(b"%d" % i for i in range(20)))
    got = broker.fetch(20, 0)
    broker.requeue(got[:5])
    broker.forward(got[5], Outgoing(b"moved"), other.context.queue)
    broker.forward(got[6], Outgoing(b"later", due=time.time() + 0.1), broker.context.queue)
    broker.ack(got[7:])
    other.ack(other.fetch(10, 1))
    again = []
    while len(again) < 6:
        again += broker.fetch(10, 1)
    broker.ack(again)
    broker.close()
    other.close()
    look = make(listen=False)
    left = {key.decode().rpartition(":")[2]: look._server.ask("TTL", key) for key in keys(look)}
    assert left == {"returned": pytest.approx(3600, abs=60)}, "it ends by itself"


def test_what_is_given_back_twice_goes_behind(make):
    """A task that asks for another turn for ever does not keep the others from theirs."""
    broker = make()
    put(broker, b"a", b"b", b"c")
    broker.requeue(broker.fetch(1, 0))
    assert broker.count() == 3
    (first,) = broker.fetch(1, 0)
    assert first.body == b"a"
    broker.requeue([first])
    assert bodies(broker.fetch(10, 0)) == [b"b", b"c", b"a"]


def test_purge_takes_all_that_waits(make):
    broker = make()
    put(broker, b"a", b"b")
    put(broker, b"later", due=9e9)
    held = broker.fetch(1, 0)
    assert broker.count() == 2
    broker.purge()
    assert broker.count() == 0
    broker.requeue(held)
    assert bodies(broker.fetch(10, 0)) == [b"a"]


def test_late_messages_wake_a_fetch_that_waits_already(make, monkeypatch):
    long_waits(monkeypatch)
    broker, held = make(), []
    put(broker, b"a")
    held += broker.fetch(1, 0)
    fetch = waiting(broker, broker.fetch, 10, 1000)
    due = time.time() + 0.3
    broker.forward(held[0], Outgoing(b"a2", due=due), broker.context.queue)
    got = fetch.result() or Call(broker.fetch, 10, 1000).result()
    assert bodies(got) == [b"a2"]
    assert due <= time.time()


def test_two_servers_in_one_program(make, start_redis):
    own = start_redis()
    here, there = make(), make(connection=f"{own.url}/1")
    put(here, b"here")
    put(there, b"there")
    assert bodies(here.fetch(10, 0)) == [b"here"]
    assert bodies(there.fetch(10, 0)) == [b"there"]
    with pytest.raises(ConfigError, match="REDIS_URL_ORDERS"):
        make(connection="orders")


def test_a_key_of_another_kind_is_refused_by_name(make):
    broker = make(listen=False)
    broker._server.ask("SET", broker.context.queue, "x")
    with pytest.raises(ConfigError, match="Choose another queue name"):
        put(broker, b"a")


def test_wake_races_with_the_beginning_of_a_wait(make, monkeypatch):
    long_waits(monkeypatch)
    broker = make()
    for number in range(200):
        fetch = Call(broker.fetch, 1, 1000)
        if number % 2:
            time.sleep(0.0005 * (number % 7))
        broker.wake()
        assert fetch.result() == ()


def test_settling_from_many_threads_while_one_waits(make):
    broker = make()
    put(broker, *(b"%d" % i for i in range(400)))
    got = []
    while len(got) < 400:
        got += broker.fetch(100, 0)
    fetch = Call(broker.fetch, 1, 20)
    threads = [threading.Thread(target=broker.ack, args=(got[i::8],)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    put(broker, b"last")
    assert bodies(fetch.result()) == [b"last"]
    broker.close()
    assert make(listen=False).count() == 1


def test_what_is_done_is_acknowledged_before_the_wait_in_the_same_call(make, monkeypatch):
    long_waits(monkeypatch)  # one only: a second one would be a trip of its own
    broker = make()
    put(broker, b"1")
    done = broker.fetch(10, 0)
    assert broker.fetch(10, 0) == ()
    trips = []
    ask_all = Link.ask_all
    monkeypatch.setattr(
        Link, "ask_all", lambda self, commands, **more: (trips.append(1), ask_all(self, commands, **more))[1]
    )
    wait = Call(broker.wait, done, 10, 1000)
    until(lambda: not held(broker))
    put(broker, b"2")
    assert bodies(wait.result()) == [b"2"]
    assert len(trips) == 1


@pytest.mark.parametrize("late", [False, True])
def test_what_is_done_is_acknowledged_though_there_is_no_wait(make, monkeypatch, late):
    broker = make()
    put(broker, b"1")
    done = broker.fetch(10, 0)
    assert broker.fetch(10, 0) == ()
    broker.wake()
    if late:  # it was woken after it had looked, just before it asked
        answers = [False, True]
        monkeypatch.setattr(broker._claims.waiter, "roused", lambda: answers.pop(0))
    assert broker.wait(done, 10, 20) == ()
    assert not held(broker)


def held(broker):
    """The numbers of what it holds."""
    names = broker._server.ask("HKEYS", broker._claims.held)
    return [int(name) for name in names if name.isdigit()]
