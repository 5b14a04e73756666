"""SQLITE_QUEUE: acknowledging, giving back and forwarding."""

from __future__ import annotations

from funboost_core.ports.broker import Outgoing


def put(broker, *bodies, **fields):
    broker.publish([Outgoing(body, **fields) for body in bodies])


def bodies(deliveries):
    return [delivery.body for delivery in deliveries]


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
    assert {delivery.attempts for delivery in rest} == {1}, "its consumer has ended in order"
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
    broker.publish([Outgoing(b"a", attempts=1)])
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
