"""What each method does, in one process."""

from __future__ import annotations

import os
import threading

import pytest
from funboost_broker_sqlite_queue import plugin
from funboost_broker_sqlite_queue.broker import SqliteBroker
from funboost_broker_sqlite_queue.options import Options
from pydantic import ValidationError

from funboost_core.errors import PublishError
from funboost_core.ports.broker import Outgoing
from funboost_core.ports.capability import Capability
from funboost_core.records import resolve


def put(broker, *bodies, **fields):
    broker.publish([Outgoing(body, **fields) for body in bodies])


def bodies(deliveries):
    return [delivery.body for delivery in deliveries]


@pytest.mark.parametrize("body", [b"", b"{}", b"a\0b", b"\xff\xfe\x80", "ü€".encode(), os.urandom(300_000)])
def test_bodies_come_back_exactly(make, body):
    broker = make()
    put(broker, body)
    (got,) = broker.fetch(10, 0)
    assert type(got.body) is bytes
    assert got.body == body
    assert got.attempts == 1


def test_first_in_first_out_in_batches(make):
    broker = make(pull_msg_batch_size=3)
    put(broker, *(b"%d" % i for i in range(5)))
    put(broker, b"5")
    assert broker.count() == 6
    first = broker.fetch(2, 0)
    assert bodies(first) == [b"0", b"1"]
    assert broker.count() == 4
    second = broker.turn(first, 100)
    assert bodies(second) == [b"2", b"3", b"4"], "the option bounds a fetch"
    assert bodies(broker.turn(second, 100)) == [b"5"]
    assert broker.fetch(1, 0) == []
    assert broker.count() == 0


@pytest.mark.parametrize(
    "wrong", [{"pull_msg_batch_size": 0}, {"pull_msg_batch_size": 1001}, {"synchronous": "OFF"}, {"batch": 1}]
)
def test_wrong_options_are_refused(wrong):
    with pytest.raises(ValidationError):
        Options(**wrong)


def test_the_plugin_declares_what_is_here():
    (spec,) = plugin.funboost_brokers()
    assert spec.kind == "SQLITE_QUEUE"
    assert resolve(spec.factory) is SqliteBroker
    assert resolve(spec.options) is Options
    assert Capability.RECOVER | Capability.SECOND_QUEUE in spec.capabilities
    assert Capability.CROSS_HOST not in spec.capabilities


def test_options_default():
    assert Options() == Options(pull_msg_batch_size=100, synchronous="NORMAL")


def test_higher_priority_first_and_lower_than_none_last(make):
    broker = make()
    put(broker, b"low", priority=-1)
    put(broker, b"plain")
    put(broker, b"high1", b"high2", priority=5)
    put(broker, b"higher", priority=9)
    assert broker.count() == 5
    assert bodies(broker.fetch(2, 0)) == [b"higher", b"high1"]
    rest = broker.fetch(10, 0)
    assert bodies(rest) == [b"high2", b"plain", b"low"]
    broker.ack(rest)
    broker.close()
    again = make()
    assert bodies(again.fetch(10, 0)) == [b"higher", b"high1"]


def test_due_is_the_clocks(make, hand_clock):
    broker = make(clock=hand_clock)
    put(broker, b"later", due=1010.0)
    put(broker, b"past", due=999.0)
    put(broker, b"plain")
    assert broker.count() == 3
    assert bodies(broker.fetch(10, 0)) == [b"past", b"plain"]
    hand_clock.move(9.9)
    assert broker.fetch(10, 0) == []
    hand_clock.move(0.1)
    (got,) = broker.fetch(10, 0)
    assert got.body == b"later"
    assert got.attempts == 1
    broker.ack([got])
    assert broker.count() == 0


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
    assert hand_clock.asleep.wait(10)
    hand_clock.move(10)
    assert bodies(join()) == [b"later"]


def test_fetch_gives_up_at_its_timeout(make, hand_clock):
    broker = make(clock=hand_clock)
    join = in_thread(broker.fetch, 1, 5)
    assert hand_clock.asleep.wait(10)
    hand_clock.move(5)
    assert join() == ()


def test_fetch_wakes_when_this_process_publishes(make, hand_clock):
    consumer, publisher = make(clock=hand_clock), make(listen=False)
    hand_clock.nap = 60  # only a signal ends it
    join = in_thread(consumer.fetch, 1, 60)
    assert hand_clock.asleep.wait(10)
    put(publisher, b"x")
    assert bodies(join()) == [b"x"]


def test_wake_ends_a_waiting_fetch_and_the_next_one_waits_again(make, hand_clock):
    broker = make(clock=hand_clock)
    hand_clock.nap = 60  # only a signal ends it
    join = in_thread(broker.fetch, 1, 60)
    assert hand_clock.asleep.wait(10)
    broker.wake()
    assert join() == ()
    hand_clock.asleep.clear()
    join = in_thread(broker.fetch, 1, 60)
    assert hand_clock.asleep.wait(10)
    put(broker, b"x")
    assert bodies(join()) == [b"x"]


def test_wake_before_the_waiting_is_not_lost(make):
    broker = make()
    broker.wake()
    assert broker.fetch(1, 3600) == ()


def test_purge_leaves_what_is_fetched(make):
    broker = make()
    put(broker, *(b"%d" % i for i in range(10)))
    put(broker, b"prio", priority=1)
    put(broker, b"later", due=9e9)
    held = broker.fetch(4, 0)
    broker.purge()
    assert broker.count() == 0
    assert broker.fetch(10, 0) == []
    put(broker, b"new")
    assert broker.count() == 1
    broker.close()
    assert bodies(make().fetch(10, 0)) == [*bodies(held), b"new"]


def test_count_of_many(make):
    broker = make()
    for start in range(0, 3000, 1000):
        put(broker, *(b"%d" % i for i in range(start, start + 1000)))
    put(broker, *([b"p"] * 50), priority=2)
    put(broker, *([b"d"] * 7), due=9e9)
    got = broker.fetch(100, 0)
    broker.requeue(got[:30])
    assert broker.count() == 3057 - 100 + 30


def test_unordered_acks_leave_exactly_the_rest(make):
    broker = make()
    put(broker, *(b"%d" % i for i in range(20)))
    first, second = broker.fetch(10, 0), broker.fetch(10, 0)
    broker.ack([second[3], first[9], first[0], second[4], first[5]])
    broker.ack(list(reversed(first[1:5])))
    broker.ack([first[6], first[8]])
    broker.ack([second[3], first[9]])  # twice: nothing
    broker.close()
    again = make()
    rest = again.fetch(100, 0)
    assert bodies(rest) == [b"7", b"10", b"11", b"12", b"15", b"16", b"17", b"18", b"19"]
    assert {delivery.attempts for delivery in rest} == {2}
    again.ack(rest[4:])
    again.ack(rest[:4])
    again.close()
    assert make().fetch(100, 0) == []


def test_everything_acknowledged_leaves_no_rows(make):
    broker = make()
    put(broker, *(b"%d" % i for i in range(250)))
    put(broker, b"p", priority=1)
    done = ()
    while True:
        done = broker.turn(done, 100)
        if not done:
            break
    with broker._attached.lock:
        writer = broker._attached.link.writer
        for table in ("messages_1", "special_1", "leases"):
            assert writer.execute(f"SELECT count(*) FROM {table}").fetchall() == [(0,)], table


def test_requeue_keeps_body_and_attempts(make):
    broker = make()
    put(broker, b"a", b"b", b"c")
    a, b = broker.fetch(2, 0)
    b.body = "decoded meanwhile"
    broker.requeue([b])
    assert broker.count() == 2
    (again,) = broker.fetch(1, 0)
    assert (again.body, again.attempts) == (b"b", 1), "ahead, where it came from"
    broker.ack([b])  # stale: it was given back
    broker.requeue([b])
    broker.ack([a])
    broker.close()
    assert bodies(make().fetch(10, 0)) == [b"b", b"c"]


def test_requeued_ones_keep_their_order_and_priority(make):
    broker = make()
    put(broker, b"a", b"b", b"c")
    put(broker, b"p1", b"p2", priority=3)
    broker.requeue(broker.fetch(4, 0))
    put(broker, b"d")
    got = broker.fetch(10, 0)
    assert bodies(got) == [b"p1", b"p2", b"a", b"b", b"c", b"d"]
    assert {delivery.attempts for delivery in got} == {1}
    broker.requeue(got)
    assert bodies(broker.fetch(10, 0)) == [b"p1", b"p2", b"c", b"d", b"a", b"b"], "given back twice: behind"


def test_a_task_that_requeues_for_ever_does_not_starve_others(make):
    broker = make(pull_msg_batch_size=1)
    put(broker, b"stubborn", b"other")
    seen = []
    for _ in range(4):
        (got,) = broker.fetch(1, 0)
        seen.append(got.body)
        if got.body == b"stubborn":
            broker.requeue([got])
        else:
            broker.ack([got])
    assert b"other" in seen


def test_attempts_of_a_recovered_message_survive_requeue(make):
    broker = make()
    put(broker, b"a")
    broker.fetch(1, 0)
    broker.close()
    broker = make()
    for _ in range(3):
        (got,) = broker.fetch(1, 0)
        assert got.attempts == 2
        broker.requeue([got])


def test_forward_moves_to_a_new_queue(make):
    broker = make("from")
    put(broker, b"a", b"b")
    a, b = broker.fetch(2, 0)
    broker.forward(a, Outgoing(b"dead", attempts=4), "to")
    broker.forward(b, Outgoing(b"urgent", priority=1), "to")
    broker.forward(b, Outgoing(b"twice"), "to")
    target = make("to")
    got = target.fetch(10, 0)
    assert [(d.body, d.attempts) for d in got] == [(b"urgent", 1), (b"dead", 5)]
    broker.close()
    assert make("from").fetch(10, 0) == []


def test_forward_to_itself_with_a_delay(make, hand_clock):
    broker = make(clock=hand_clock)
    put(broker, b"a")
    (a,) = broker.fetch(1, 0)
    broker.forward(a, Outgoing(b"retry", due=1030.0, attempts=1), "q")
    assert broker.fetch(1, 0) == []
    assert broker.count() == 1
    hand_clock.move(30)
    (again,) = broker.fetch(1, 0)
    assert (again.body, again.attempts) == (b"retry", 2)


def test_forward_wakes_who_waits_there(make, hand_clock):
    broker, target = make("from"), make("to", clock=hand_clock)
    hand_clock.nap = 60  # only a signal ends it
    put(broker, b"a")
    (a,) = broker.fetch(1, 0)
    join = in_thread(target.fetch, 1, 60)
    assert hand_clock.asleep.wait(10)
    broker.forward(a, Outgoing(b"b"), "to")
    assert bodies(join()) == [b"b"]


@pytest.mark.parametrize("name", ["a'b\"c`;--", "../../etc/x", "日本 ü\n\t%s", "x" * 300, "q\0q", "Q", ""])
def test_queue_names_of_any_characters(make, name):
    broker, neighbour = make(name), make(name + "!")
    put(broker, b"x")
    assert neighbour.count() == 0
    assert broker.count() == 1
    assert bodies(broker.fetch(1, 0)) == [b"x"]


def test_names_differ_by_case(make):
    put(make("Q"), b"x")
    assert make("q").count() == 0


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
        until(lambda: len(group._pending) == 7)
    for join in joins:
        join()
    assert commits == [8]
    assert sorted(bodies(broker.fetch(10, 0))) == [b"%d" % i for i in range(8)]


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
        until(lambda: len(group._pending) == 2)
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
        until(lambda: len(broker._attached.group._pending) == 3)
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
    assert [(d.body, d.attempts) for d in got] == [(b"a", 2), (b"b", 1)]


def test_full_and_normal_share_the_file(make):
    full, normal = make(synchronous="FULL"), make(listen=False)
    put(full, b"a")
    put(normal, b"b")
    assert bodies(full.fetch(10, 0)) == [b"a", b"b"]
