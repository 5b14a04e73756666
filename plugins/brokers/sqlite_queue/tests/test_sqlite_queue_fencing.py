"""Consumers taken for dead, and several who take them for it at once."""

from __future__ import annotations

import os
import threading

import pytest

from funboost_core.errors import BrokerUnavailable
from funboost_core.ports.broker import Outgoing


def bodies(deliveries):
    return [delivery.body for delivery in deliveries]


def lose_lock(broker):
    """What the kernel does to a consumer whose process ends."""
    broker._owner.lock.close()


def test_a_consumer_that_lives_is_left_alone(make):
    one, two = make(), make()
    one.publish([Outgoing(b"a")])
    one.fetch(1, 0)
    two.maintain()
    assert two.fetch(1, 0) == []


def test_presumed_dead_cannot_settle_and_registers_again(make):
    one, two = make(), make()
    one.publish([Outgoing(b"%d" % i) for i in range(5)])
    one.publish([Outgoing(b"p", priority=1)])
    held = one.fetch(6, 0)
    lose_lock(one)
    two.maintain()
    assert two.count() == 6
    given = two.fetch(3, 0)
    assert bodies(given) == [b"p", b"0", b"1"]
    one.ack(held)
    one.requeue(held)
    one.forward(held[2], Outgoing(b"moved"), "elsewhere")
    assert two.count() == 3
    assert make("elsewhere").count() == 0
    assert bodies(one.turn(held, 1)) == [b"2"], "registered again, and its old acknowledgements do nothing"
    two.maintain()
    rest = two.fetch(10, 0)
    assert [(d.body, d.attempts) for d in rest] == [(b"3", 2), (b"4", 2)]
    two.close()
    assert sorted(bodies(one.fetch(10, 0))) == [b"0", b"1", b"3", b"4", b"p"]


def test_the_queue_keeps_working_for_a_fenced_consumer_that_waits(make, hand_clock):
    one, two = make(clock=hand_clock), make()
    result = []
    thread = threading.Thread(target=lambda: result.extend(one.fetch(1, 60)), daemon=True)
    thread.start()
    assert hand_clock.asleep.wait(30)
    lose_lock(one)
    two.maintain()
    two.publish([Outgoing(b"x")])
    thread.join(20)
    assert bodies(result) == [b"x"]
    two.maintain()
    assert two.count() == 0
    assert two.fetch(1, 0) == []


def test_sweepers_at_once_return_each_message_once(make):
    dead, *sweepers = (make() for _ in range(5))
    dead.publish([Outgoing(b"%d" % i) for i in range(300)])
    dead.publish([Outgoing(b"p%d" % i, priority=1) for i in range(20)])
    dead.fetch(100, 0)
    dead.fetch(100, 0)
    lose_lock(dead)
    barrier = threading.Barrier(len(sweepers))

    def sweep(broker):
        barrier.wait(30)
        broker.maintain()

    threads = [threading.Thread(target=sweep, args=(broker,)) for broker in sweepers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sweepers[0].count() == 320
    got = []
    for _ in range(4):
        got += sweepers[0].fetch(100, 0)
    assert len(set(bodies(got))) == len(got) == 320
    assert {d.attempts for d in got[:200]} == {2}
    assert {d.attempts for d in got[200:]} == {1}


def test_a_consumer_whose_lock_file_was_deleted_is_fenced(make):
    one, two = make(), make()
    one.publish([Outgoing(b"a")])
    held = one.fetch(1, 0)
    one._owner.lock.path.unlink()
    two.maintain()
    (got,) = two.fetch(1, 0)
    one.ack(held)
    two.requeue([got])
    assert bodies(two.fetch(1, 0)) == [b"a"]


@pytest.mark.skipif(os.name == "nt", reason="the folder of open files cannot be moved there")
def test_sweeping_says_what_is_wrong_with_the_lock_files(make):
    one, two = make(), make()
    folder = one._owner.lock.path.parent
    hidden = folder.rename(folder.with_suffix(".moved"))
    folder.write_text("in the way")
    with pytest.raises(BrokerUnavailable, match="Not a directory"):
        two.maintain()
    folder.unlink()
    hidden.rename(folder)
    two.maintain()
    one.publish([Outgoing(b"a")])
    assert bodies(one.fetch(1, 0)) == [b"a"]


def test_other_queues_are_not_swept(make):
    one, two = make("one"), make("two")
    one.publish([Outgoing(b"a")])
    one.fetch(1, 0)
    lose_lock(one)
    two.maintain()
    assert one.count() == 0
    make("one")
    assert one.count() == 1
