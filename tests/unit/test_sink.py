"""Credit: what is asked for may be put, and nothing else; and the thread that keeps a loop going."""

from __future__ import annotations

import logging
import threading
from types import SimpleNamespace

import pytest
from funboost_testing.clock import FakeClock

from funboost_core import BrokerUnavailable, Delivery
from funboost_core.consuming.sink import Sink, fill
from funboost_core.native import Thread

PATIENCE = 30


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def sink(clock):
    made = Sink(clock)
    yield made
    made.close()


def deliveries(count):
    return [Delivery(str(n)) for n in range(count)]


def test_nothing_is_accepted_before_it_is_asked_for(sink):
    one, two, three = deliveries(3)
    assert not sink.put(one)
    assert sink.take(2, 0) == []
    assert sink.credit() == 2
    assert [sink.put(one), sink.put(two), sink.put(three)] == [True, True, False]
    assert sink.credit() == 0
    assert (sink.accepted, sink.refused) == (2, 2)


def test_what_is_taken_uses_the_credit_up(sink):
    one, two, three = deliveries(3)
    sink.take(3, 0)
    sink.put(one)
    assert sink.take(3, 0) == [one]
    assert sink.credit() == 2  # two more of the three could start
    sink.put(two)
    sink.put(three)
    assert sink.take(1, 0) == [two]  # now only one could
    assert sink.credit() == 0
    assert sink.take(5, 0) == [three]
    assert sink.credit() == 4


def test_waking_takes_the_credit_and_what_was_put_stays(sink):
    (one,) = deliveries(1)
    sink.take(5, 0)
    sink.put(one)
    sink.wake()
    assert sink.credit() == 0
    assert sink.take(5, 1.0) == [one]


def test_a_take_waits_for_a_message_or_for_wake(sink, clock):
    (one,) = deliveries(1)
    for end, expected in ((lambda: sink.put(one), [one]), (sink.wake, []), (lambda: clock.advance(60), [])):
        taken = []
        thread = Thread(target=lambda got=taken: got.append(sink.take(1, 60)))
        thread.start()
        clock.until_waiting(1)
        end()
        thread.join(PATIENCE)
        assert taken == [expected]


def test_waiting_for_credit_ends_with_credit_with_the_time_and_with_the_end(sink, clock):
    for end, expected in ((lambda: sink.take(3, 0), 3), (lambda: clock.advance(60), 0), (sink.close, 0)):
        sink.wake()
        credit = []
        thread = Thread(target=lambda got=credit: got.append(sink.wait(60)))
        thread.start()
        clock.until_waiting(1)
        end()
        thread.join(PATIENCE)
        assert credit == [expected]
    assert sink.wait(60) == 0


def test_what_is_put_back_needs_no_credit(sink):
    one, two = deliveries(2)
    sink.put_back([one, two])
    assert sink.take(5, 0) == [one, two]


def test_after_it_is_shut_nothing_is_accepted_or_welcome(sink):
    one, two = deliveries(2)
    sink.take(2, 0)
    sink.put(one)
    assert sink.shut() == [one]
    assert sink.take(2, 0) == []
    assert (sink.credit(), sink.put(two)) == (0, False)


def test_lost_ones_are_dropped_or_not_settled(sink):
    one, two, three = deliveries(3)
    sink.take(3, 0)
    for delivery in (one, two, three):
        sink.put(delivery)
    assert sink.take(2, 0) == [one, two]
    sink.lost([one, three])
    assert sink.take(3, 0) == []
    assert (one.lost, three.lost, hasattr(two, "lost")) == (True, True, False)
    assert sink.ours([one, two]) == [two]
    assert sink.ours([one, two]) == [one, two]  # forgotten with that


def test_a_loop_is_kept_running_with_growing_pauses_until_it_works(sink, clock, caplog):
    calls, told, working = [], [], threading.Event()
    outcomes = [OSError("away"), None, SystemExit("user"), BrokerUnavailable(kind="k", error="away")]

    def loop():
        calls.append(clock.monotonic())
        if outcomes:
            outcome = outcomes.pop(0)
            if outcome is not None:
                raise outcome
            return
        working.set()
        sink.stop.wait(PATIENCE)

    environment = SimpleNamespace(worker=SimpleNamespace(trouble=told.append))
    context = SimpleNamespace(
        clock=clock, queue="q", kind="k", logger=logging.getLogger("funboost.q"), environment=environment
    )
    thread = fill(sink, loop, context)
    for number, pause in enumerate((0.1, 0.2, 0.4, 0.8), 1):
        clock.until_waiting(1)
        clock.advance(pause + 0.001)
        while len(calls) == number and thread.is_alive():
            threading.Event().wait(0.002)
    assert working.wait(PATIENCE)
    sink.close()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert [type(error).__name__ for error in told] == [
        "OSError",
        "BrokerUnavailable",
        "SystemExit",
        "BrokerUnavailable",
    ]
    assert "failed (OSError: away); once more in 0.1 s" in caplog.text
    assert "returned; once more in 0.2 s" in caplog.text
