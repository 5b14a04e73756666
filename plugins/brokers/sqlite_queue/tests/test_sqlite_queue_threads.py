"""SQLITE_QUEUE: waiting, waking and publishing in many threads."""

from __future__ import annotations

import threading

import pytest

from funboost_core.errors import PublishError
from funboost_core.ports.broker import Outgoing


def put(broker, *bodies, **fields):
    broker.publish([Outgoing(body, **fields) for body in bodies])


def bodies(deliveries):
    return [delivery.body for delivery in deliveries]


def until(condition):
    for _ in range(20_000):
        if condition():
            return
        threading.Event().wait(0.001)
    pytest.fail("it never came to that")


def in_thread(function, *args):
    result = []
    thread = threading.Thread(target=lambda: result.append(function(*args)), daemon=True)
    thread.start()

    def join():
        thread.join(20)
        assert result, "the call did not return"
        return result[0]

    return join


def test_fetch_wakes_when_a_message_is_due(make, hand_clock):
    broker = make(clock=hand_clock)
    put(broker, b"later", due=1010.0)
    join = in_thread(broker.fetch, 1, 60)
    assert hand_clock.asleep.wait(30)
    hand_clock.move(10)
    assert bodies(join()) == [b"later"]


def test_fetch_gives_up_at_its_timeout(make, hand_clock):
    broker = make(clock=hand_clock)
    join = in_thread(broker.fetch, 1, 5)
    assert hand_clock.asleep.wait(30)
    hand_clock.move(5)
    assert join() == ()


def test_fetch_wakes_when_this_process_publishes(make, hand_clock):
    consumer, publisher = make(clock=hand_clock), make(listen=False)
    hand_clock.nap = 60  # only a signal ends it
    join = in_thread(consumer.fetch, 1, 60)
    assert hand_clock.asleep.wait(30)
    put(publisher, b"x")
    assert bodies(join()) == [b"x"]


def test_wake_ends_a_waiting_fetch_and_the_next_one_waits_again(make, hand_clock):
    broker = make(clock=hand_clock)
    hand_clock.nap = 60  # only a signal ends it
    join = in_thread(broker.fetch, 1, 60)
    assert hand_clock.asleep.wait(30)
    broker.wake()
    assert join() == ()
    hand_clock.asleep.clear()
    join = in_thread(broker.fetch, 1, 60)
    assert hand_clock.asleep.wait(30)
    put(broker, b"x")
    assert bodies(join()) == [b"x"]


def test_wake_before_the_waiting_is_not_lost(make):
    broker = make()
    broker.wake()
    assert broker.fetch(1, 3600) == ()


def test_forward_wakes_who_waits_there(make, hand_clock):
    broker, target = make("from"), make("to", clock=hand_clock)
    hand_clock.nap = 60  # only a signal ends it
    put(broker, b"a")
    (a,) = broker.fetch(1, 0)
    join = in_thread(target.fetch, 1, 60)
    assert hand_clock.asleep.wait(30)
    broker.forward(a, Outgoing(b"b"), "to")
    assert bodies(join()) == [b"b"]


def test_threads_that_publish_at_once_share_a_commit(make, monkeypatch):
    from funboost_broker_sqlite_queue import publishing

    broker = make()
    commits = []
    commit = publishing._commit
    monkeypatch.setattr(
        publishing, "_commit", lambda database, batch: (commits.append(len(batch)), commit(database, batch))
    )
    group = broker._attached.group
    with broker._attached.lock:
        joins = [in_thread(put, broker, b"%d" % i) for i in range(8)]
        until(lambda: len(group._pending) == 8)
    for join in joins:
        join()
    assert commits == [8]
    assert sorted(bodies(broker.fetch(10, 0))) == [b"%d" % i for i in range(8)]


def test_threads_that_go_on_publishing_go_on_sharing_commits(make, monkeypatch):
    """Where a commit takes its time, as on a disk; who has been served comes again before the others have woken."""
    from funboost_broker_sqlite_queue import publishing

    broker, commit, commits = make(listen=False), publishing._commit, []

    def slow(database, batch):
        commits.append(len(batch))
        threading.Event().wait(0.002)
        commit(database, batch)

    monkeypatch.setattr(publishing, "_commit", slow)
    all_there = threading.Barrier(8)  # one that has begun alone has nobody to share with

    def work():
        all_there.wait(20)
        for _ in range(50):
            put(broker, b"x")

    joins = [in_thread(work) for _ in range(8)]
    for join in joins:
        join()
    assert sum(commits) == 400
    assert len(commits) < 220


def test_a_message_that_cannot_be_stored_spoils_no_other(make):
    broker = make()
    group = broker._attached.group
    errors = []

    def bad():
        try:
            broker.publish([Outgoing(object())])
        except PublishError as error:
            errors.append(error)

    with broker._attached.lock:
        joins = [in_thread(put, broker, b"first"), in_thread(bad), in_thread(put, broker, b"good")]
        until(lambda: len(group._pending) == 3)
    for join in joins:
        join()
    assert len(errors) == 1
    assert sorted(bodies(broker.fetch(10, 0))) == [b"first", b"good"]


def test_many_publishing_threads_keep_their_order(make):
    broker = make()

    def work(name):
        for i in range(200):
            put(broker, b"%d %d" % (name, i))

    for join in [in_thread(work, name) for name in range(6)]:
        join()
    got, done = [], ()
    while len(got) < 1200:
        done = broker.turn(done, 100)
        assert done
        got += [tuple(map(int, body.split())) for body in bodies(done)]
    for name in range(6):
        assert [i for n, i in got if n == name] == list(range(200))


def test_interrupted_leader_does_not_hold_up_the_others(make, monkeypatch):
    from funboost_broker_sqlite_queue import publishing

    broker = make()
    commit, interrupted = publishing._commit, []

    def interrupt_first(database, batch):
        if not interrupted:
            interrupted.append(True)
            raise KeyboardInterrupt
        commit(database, batch)

    monkeypatch.setattr(publishing, "_commit", interrupt_first)
    outcomes = []

    def work(body):
        try:
            put(broker, body)
            outcomes.append(body)
        except KeyboardInterrupt:
            outcomes.append(None)

    with broker._attached.lock:
        joins = [in_thread(work, b"%d" % i) for i in range(4)]
        until(lambda: len(broker._attached.group._pending) == 4)
    for join in joins:
        join()
    assert outcomes.count(None) == 1
    assert sorted(bodies(broker.fetch(10, 0))) == sorted(body for body in outcomes if body)
    put(broker, b"after")


def test_acks_from_other_threads_while_fetching(make):
    broker = make()
    put(broker, *(b"%d" % i for i in range(600)))
    got, threads = [], []
    while len(got) < 600:
        found = broker.fetch(7, 0)
        got += found
        threads.append(in_thread(broker.ack, found[1:]))
        threads.append(in_thread(broker.ack, found[:1]))
    for join in threads:
        join()
    broker.close()
    assert make().fetch(10, 0) == []
    assert len(set(bodies(got))) == 600


def test_closing_one_of_two_brokers_keeps_the_other_going(make):
    one, two = make(), make()
    put(one, b"a", b"b")
    one.fetch(1, 0)
    one.close()
    got = two.fetch(10, 0)
    assert [(d.body, d.attempts) for d in got] == [(b"a", 1), (b"b", 1)]


def test_full_and_normal_share_the_file(make):
    full, normal = make(synchronous="FULL"), make(listen=False)
    put(full, b"a")
    put(normal, b"b")
    assert bodies(full.fetch(10, 0)) == [b"a", b"b"]
