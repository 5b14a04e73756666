"""deadlines: one thread, none before the first deadline, woken only when it must be, on a clock moved by hand."""

from __future__ import annotations

import pytest
from funboost_testing.clock import FakeClock

from funboost_core.consuming.attempts import Attempt
from funboost_core.consuming.deadlines import Deadlines
from funboost_core.native import Event, SimpleQueue, Thread, current_thread
from funboost_core.ports.broker import Delivery
from funboost_core.ports.pool import Interrupter


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def deadlines(clock):
    made = Deadlines(clock)
    yield made
    made.stop()


def attempt():
    made = Delivery(b"")
    made.extra = {"task_id": "t"}
    return Attempt(made, Interrupter())


def test_they_come_in_their_order_whatever_the_order_in_which_they_were_set(deadlines, clock):
    told = SimpleQueue()
    for seconds in (30, 10, 20):
        deadlines.set(attempt(), seconds, lambda seconds=seconds: told.put((seconds, clock.monotonic())))
    for seconds in (10, 20, 30):
        clock.until_waiting(1)
        clock.advance(10)
        assert told.get(timeout=30) == (seconds, 1000 + seconds)


def test_what_was_dropped_never_comes(deadlines, clock):
    told, early = SimpleQueue(), attempt()
    deadlines.set(early, 5, lambda: told.put("early"))
    deadlines.set(attempt(), 6, lambda: told.put("late"))
    deadlines.drop(early)
    clock.until_waiting(1)
    clock.advance(20)
    assert told.get(timeout=30) == "late"
    assert told.empty()


def test_another_deadline_takes_the_place_of_the_first(deadlines, clock):
    told, one = SimpleQueue(), attempt()
    deadlines.set(one, 5, lambda: told.put("first"))
    deadlines.set(one, 10, lambda: told.put("second"))
    clock.until_waiting(1)
    clock.advance(9)
    clock.until_waiting(1)
    clock.advance(9)
    assert told.get(timeout=30) == "second"
    assert told.empty()


def test_one_that_is_set_just_when_the_first_has_come_is_not_lost(deadlines, clock):
    """A run is killed while its time runs out: what is to happen when that does not help must happen."""
    told, one = SimpleQueue(), attempt()

    class Dues(dict):
        def get(self, *arguments):
            found = super().get(*arguments)
            self.changed()
            return found

        def pop(self, *arguments):
            self.changed()
            return super().pop(*arguments)

        def changed(self):
            if deadlines._thread is current_thread() and clock.monotonic() >= 1005 and not killed:
                killed.append(True)
                deadlines.set(one, 1, lambda: told.put("killed"))

    killed = []
    deadlines._dues = Dues()
    deadlines.set(one, 5, lambda: told.put("its time"))
    clock.until_waiting(1)
    clock.advance(5)
    clock.until_waiting(1)
    clock.advance(1)
    assert told.get(timeout=30) == "killed"
    assert told.empty()


def test_an_action_that_fails_does_not_end_the_thread(deadlines, clock, caplog):
    told = SimpleQueue()
    deadlines.set(attempt(), 1, lambda: 1 / 0)
    deadlines.set(attempt(), 2, lambda: told.put("alive"))
    clock.until_waiting(1)
    clock.advance(5)
    assert told.get(timeout=30) == "alive"
    assert "Ending t failed" in caplog.text


def test_runs_that_end_in_time_wake_nobody(deadlines, clock):
    """A thousand runs, one after the other: the thread looks once, at the first deadline, not a thousand times."""
    deadlines.set(attempt(), 10, lambda: None)
    clock.until_waiting(1)
    looks = []
    wait = clock.wait

    def counted(condition, seconds):
        looks.append(seconds)
        return wait(condition, seconds)

    clock.wait = counted
    for _ in range(1000):
        run = attempt()
        deadlines.set(run, 10, lambda: None)
        deadlines.drop(run)
    assert looks == []


def test_it_starts_again_after_it_was_stopped(deadlines, clock):
    told = SimpleQueue()
    deadlines.set(attempt(), 10, lambda: told.put("never"))
    deadlines.stop()
    deadlines.set(attempt(), 1, lambda: told.put("again"))
    clock.until_waiting(1)
    clock.advance(1)
    assert told.get(timeout=30) == "again"


def test_a_thread_that_was_held_up_while_it_was_stopped_ends_all_the_same(deadlines, clock, monkeypatch):
    inside, go, begun = Event(), Event(), []
    monkeypatch.setattr(Thread, "start", lambda thread, start=Thread.start: begun.append(thread) or start(thread))
    monkeypatch.setattr(Thread, "join", lambda thread, timeout=None: None)  # as if its time were up
    deadlines.set(attempt(), 1, lambda: inside.set() or go.wait(30))
    clock.until_waiting(1)
    clock.advance(1)
    assert inside.wait(30)
    deadlines.stop()
    deadlines.set(attempt(), 1, lambda: None)
    go.set()
    monkeypatch.undo()
    first, second = begun
    first.join(30)
    assert not first.is_alive()
    assert second.is_alive()
