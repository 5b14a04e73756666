"""MEMORY_QUEUE: how a fetch waits and is woken, and many threads at once."""

from __future__ import annotations

from funboost_broker_memory_queue import broker as module

from funboost_core.environment import Environment
from funboost_core.native import Event, Thread
from funboost_core.ports.broker import Outgoing


def send(broker, *bodies, **fields):
    broker.publish([Outgoing(body, **fields) for body in bodies])


def bodies(deliveries):
    return [delivery.body for delivery in deliveries]


class Fetching:
    """``broker.fetch(limit, timeout)`` on a thread."""

    def __init__(self, broker, limit=100, timeout=1000.0):
        self.fetched = None
        self.thread = Thread(target=self.run, args=(broker, limit, timeout), daemon=True)
        self.thread.start()

    def run(self, broker, limit, timeout):
        self.fetched = broker.fetch(limit, timeout)

    def result(self):
        self.thread.join(30)
        assert not self.thread.is_alive(), "fetch has not returned"
        return bodies(self.fetched)


def test_a_waiting_fetch_is_woken_by_publish(broker, make, clock):
    for fields in ({}, {"priority": 1}, {"due": clock.time()}):
        fetching = Fetching(broker)
        clock.until_waiting(1)
        send(make(), "a", **fields)
        assert fetching.result() == ["a"]


def test_a_waiting_fetch_is_woken_by_the_next_due_time(broker, make, clock):
    send(broker, "late", due=clock.time() + 60)
    fetching = Fetching(broker)
    clock.until_waiting(1)
    assert clock.next_deadline() == clock.time() + 60
    send(make(), "early", due=clock.time() + 5)
    while clock.next_deadline() != clock.time() + 5:
        clock.until_waiting(1)
    clock.advance(5)
    assert fetching.result() == ["early"]


def test_a_waiting_fetch_ends_with_its_timeout(broker, clock):
    fetching = Fetching(broker, timeout=3)
    clock.until_waiting(1)
    clock.advance(3)
    assert fetching.result() == []


def test_wake_ends_the_waiting_of_its_own_broker(broker, make, clock):
    fetching, other = Fetching(broker), Fetching(make())
    clock.until_waiting(2)
    broker.wake()
    assert fetching.result() == []
    assert other.thread.is_alive()
    send(broker, "a")
    assert other.result() == ["a"]


def test_wake_before_the_waiting_begins_counts_once(broker, clock):
    broker.wake()
    assert Fetching(broker).result() == []
    fetching = Fetching(broker)
    clock.until_waiting(1)
    send(broker, "a")
    assert fetching.result() == ["a"]


def test_several_waiting_consumers_get_a_message_each(make, clock):
    fetchings = [Fetching(make(), limit=1) for _ in range(5)]
    clock.until_waiting(5)
    send(make(), *range(5))
    assert sorted(body for fetching in fetchings for body in fetching.result()) == [0, 1, 2, 3, 4]


def test_close_wakes_other_consumers(broker, make, clock):
    send(broker, "a")
    broker.fetch(1, 0)
    fetching = Fetching(make())
    clock.until_waiting(1)
    broker.close()
    assert fetching.result() == ["a"]


def test_nothing_is_lost_or_doubled_between_many_threads(make):
    """Four publishers, four consumers that acknowledge, requeue and forward, and a consumer that goes away."""
    total, per = 8000, 2000
    environment = Environment()
    publisher, *consumers = [make(environment=environment) for _ in range(5)]
    seen, requeued = [], set()

    def publish(start):
        for i in range(start, start + per):
            send(publisher, i, priority=i % 7 == 0)

    def consume(broker, number):
        rounds = 0
        while len(seen) < total:
            batch = broker.fetch(20, 0.05)
            rounds += 1
            if number == 0 and rounds == 20:
                return broker.close()
            again = [d for d in batch if d.body % 5 == 0 and d.body not in requeued]
            requeued.update(d.body for d in again)
            broker.requeue(again)
            onward = [d for d in batch if d not in again and d.body < total and d.body % 3 == 0]
            for delivery in onward:
                broker.forward(delivery, Outgoing(delivery.body + total), "q")
            done = [d for d in batch if d not in again and d not in onward]
            broker.ack(done)
            seen.extend(d.body % total for d in done)
        return None

    threads = [Thread(target=publish, args=(start,)) for start in range(0, total, per)]
    threads += [Thread(target=consume, args=(broker, number)) for number, broker in enumerate(consumers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert sorted(seen) == list(range(total))
    assert publisher.count() == 0


def test_settling_while_closing_settles_once(broker, make, monkeypatch):
    """A run that outlasts its consumer acknowledges in the middle of `close`."""
    send(broker, "a", "b", "c")
    held = broker.fetch(3, 0)
    closing, settled = Event(), Event()
    plain = module._again

    def again(delivery):
        closing.set()
        assert settled.wait(30)
        return plain(delivery)

    def late():
        assert closing.wait(30)
        yield held[0]

    def acknowledge():
        try:
            broker.ack(late())
        finally:
            settled.set()

    monkeypatch.setattr(module, "_again", again)
    thread = Thread(target=acknowledge, daemon=True)
    thread.start()
    broker.close()
    thread.join(30)
    assert bodies(make().fetch(100, 0)) == ["b", "c"]


def test_a_fetch_that_outlasts_its_consumer_takes_nothing_along(broker, make, monkeypatch):
    send(broker, "a", "b")
    taken, closed = Event(), Event()
    take = broker._queue.take

    def slow(limit):
        found = take(limit)
        taken.set()
        assert closed.wait(30)
        return found

    monkeypatch.setattr(broker._queue, "take", slow)
    fetching = Fetching(broker)
    assert taken.wait(30)
    broker.close()
    monkeypatch.undo()
    closed.set()
    assert fetching.result() == []
    assert bodies(make().fetch(100, 0)) == ["a", "b"]
