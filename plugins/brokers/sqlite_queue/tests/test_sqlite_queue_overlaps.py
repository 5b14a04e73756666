"""Calls that are held up while another thread closes the consumer, or makes the queue."""

from __future__ import annotations

import gc
import sys
import threading
from pathlib import Path

import pytest
import traced
from funboost_broker_sqlite_queue import registry
from funboost_broker_sqlite_queue.locks import FileLock

from funboost_core.errors import BrokerUnavailable
from funboost_core.ports.broker import Outgoing


class HeldUp:
    """The lock of a database; a thread that is no `hurrying` one stops in front of it until `go`."""

    def __init__(self, database):
        self._lock = database.lock
        self.hurrying = {threading.get_ident()}
        self.arrived, self.go = threading.Event(), threading.Event()
        database.lock = self

    def acquire(self):
        if threading.get_ident() not in self.hurrying:
            self.arrived.set()
            assert self.go.wait(20)
        return self._lock.acquire()

    def release(self):
        self._lock.release()

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *error):
        self.release()


def start(function, *args):
    """The call on a thread of its own; what it returned or raised."""
    results = []

    def run():
        try:
            results.append(function(*args))
        except BrokerUnavailable as error:
            results.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def join():
        thread.join(20)
        assert results, "the call did not return"
        return results[0]

    return join


@pytest.mark.parametrize(
    "call",
    [lambda b: b.turn((), 10), lambda b: b.fetch(10, 0), lambda b: b.fetch(10, 3600), lambda b: b.listen()],
    ids=["turn", "fetch", "waiting fetch", "listen"],
)
def test_a_call_that_outlasts_its_consumer_takes_nothing_along(make, call):
    """It must not register again, and hold messages until the process ends."""
    broker = make()
    broker.publish([Outgoing(b"a")])
    held_up = HeldUp(broker._attached)
    join = start(call, broker)
    assert held_up.arrived.wait(30)
    broker.close()
    held_up.go.set()
    assert not join()
    other = make()
    assert [delivery.body for delivery in other.fetch(10, 0)] == [b"a"]
    assert len(other._attached.read("q", "owners")) == 1


def test_a_fetch_that_waits_ends_with_its_consumer(make, hand_clock):
    broker = make(clock=hand_clock)
    hand_clock.nap = 60  # only a signal ends it
    join = start(broker.fetch, 1, 3600)
    assert hand_clock.asleep.wait(30)
    broker.close()
    assert join() == ()


def test_what_comes_after_the_end_opens_nothing(make):
    broker = make()
    broker.publish([Outgoing(b"a"), Outgoing(b"b")])
    held, path = broker.fetch(2, 0), broker._attached.path
    broker.close()
    broker.ack(held)
    broker.requeue(held)
    broker.forward(held[0], Outgoing(b"never"), "q")
    broker.maintain()
    broker.wake()
    assert broker.turn(held, 10) == broker.fetch(1, 3600) == ()
    assert str(path) not in registry._by_path
    assert [delivery.body for delivery in make().fetch(10, 0)] == [b"a", b"b"]


class Interrupted(BaseException):
    """As what ends a task that has had its time: it comes anywhere."""


def interrupt_at(number, function, *args):
    """Call it, interrupted at the place of that number where an interpreter looks whether it is; whether there was one."""
    left = number

    def look(frame, event, argument):
        nonlocal left
        if event in ("call", "c_return") and Path(frame.f_code.co_filename).parent == Path(registry.__file__).parent:
            left -= 1
            if not left:
                sys.setprofile(None)
                raise Interrupted

    traced.prepare()
    sys.setprofile(look)
    try:
        function(*args)
    except Interrupted:
        pass
    finally:
        sys.setprofile(None)
    return left <= 0


# A connection that was just being made is left to the garbage collector.
@pytest.mark.filterwarnings("ignore:.*sqlite3.Connection:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("bodies", [[b"a"], [b"a", b"b"]], ids=["one", "two"])
@pytest.mark.parametrize("anew", [False, True], ids=["open", "anew"])
def test_whoever_is_interrupted_holds_up_nobody(make, bodies, anew):
    """Neither a thread of its own process nor, at its next beat, another process: wherever it was."""
    broker, number, interrupted = make(), 0, True
    path = broker._attached.path
    while interrupted:
        number += 1
        if anew:
            with broker._attached.lock:
                broker._attached.drop()
        interrupted = start(interrupt_at, number, broker.publish, [Outgoing(body) for body in bodies])()
        broker.maintain()
        turns = FileLock(path.with_name(path.name + ".lock"))
        assert turns.try_acquire(), number
        turns.close()
        assert start(broker.publish, [Outgoing(b"c")])() is None, number
    assert number > 20
    gc.collect()


def test_a_queue_is_read_when_it_is_committed(make):
    """Who reads must not believe in tables that another thread is only about to make."""
    database = make(listen=False)._attached
    held_up = HeldUp(database)
    with database.lock, database.transaction(False) as link:
        link.queue("new")
        join = start(database.read, "new", "count")
        assert held_up.arrived.wait(30)
    held_up.go.set()
    assert join() == [(0,)]
    assert database.link is link, "nobody closed it"
