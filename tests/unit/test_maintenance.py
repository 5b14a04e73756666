"""maintenance: beats at their interval, ticks only while somebody is fast, errors that stop neither."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from funboost_testing.calls import Call
from funboost_testing.clock import FakeClock

from funboost_core.maintenance import TICK, Maintenance
from funboost_core.native import Condition

PATIENCE = 30


class Tended:
    """A consumer that counts."""

    def __init__(self, error=None):
        self.changed = Condition()
        self.beats = self.ticks = self.alarms = 0
        self.error = error
        self.hurries = False
        self.task = SimpleNamespace(queue_name="q")

    def count(self, what):
        with self.changed:
            setattr(self, what, getattr(self, what) + 1)
            self.changed.notify_all()
        if self.error:
            raise self.error

    def beat(self):
        self.count("beats")

    def tick(self):
        self.count("ticks")

    def alarm(self):
        self.count("alarms")

    def until(self, condition):
        with self.changed:
            assert self.changed.wait_for(condition, PATIENCE), (self.beats, self.ticks)


@pytest.fixture
def tend():
    made, clock = [], FakeClock()

    def start(*consumers, troubles=None, interval=1.0):
        maintenance = Maintenance(
            clock, lambda: list(consumers), interval, ([] if troubles is None else troubles).append
        )
        made.append(maintenance)
        maintenance.start()
        clock.until_waiting(1)
        return clock, maintenance

    yield start
    for maintenance in made:
        maintenance.stop()


def test_everybody_beats_once_an_interval(tend):
    consumers = [Tended(), Tended()]
    clock, maintenance = tend(*consumers)
    maintenance.start()  # a second one does nothing
    for number in range(1, 4):
        clock.advance(0.999)
        clock.until_waiting(1)
        assert consumers[0].beats == number - 1
        clock.advance(0.001)
        for consumer in consumers:
            consumer.until(lambda consumer=consumer, number=number: consumer.beats == number)
        clock.until_waiting(1)
    assert consumers[0].ticks == 0


def test_it_ticks_while_somebody_is_fast(tend):
    fast = Tended()
    clock, maintenance = tend(fast, Tended())
    fast.hurries = True
    maintenance.hurry()
    fast.until(lambda: fast.ticks >= 1)
    for number in range(fast.ticks + 1, fast.ticks + 5):
        clock.until_waiting(1)
        clock.advance(TICK)
        fast.until(lambda number=number: fast.ticks >= number)
    fast.hurries = False
    clock.until_waiting(1)
    clock.advance(TICK)
    clock.until_waiting(1)
    while clock.next_deadline() - clock.time() <= TICK:
        clock.advance(TICK)
        clock.until_waiting(1)
    last = fast.ticks
    clock.advance(10 * TICK)
    assert fast.ticks == last


def test_one_that_becomes_fast_right_after_the_look_is_ticked(tend):
    class Sudden(Tended):
        """Becomes fast just after it was asked."""

        @property
        def hurries(self):
            if maintenance is not None and self.ticks == 0:
                maintenance.hurry()
                return False
            return True

        @hurries.setter
        def hurries(self, value): ...

    maintenance = None
    sudden = Sudden()
    clock, maintenance = tend(sudden)
    maintenance.hurry()
    sudden.until(lambda: sudden.ticks == 1)
    clock.until_waiting(1)
    clock.advance(TICK)
    sudden.until(lambda: sudden.ticks >= 2)


def test_an_error_is_told_and_the_others_are_tended_all_the_same(tend, caplog):
    error, troubles = RuntimeError("away"), []
    bad, good = Tended(error), Tended()
    clock, _ = tend(bad, good, troubles=troubles)
    for number in (1, 2):
        clock.advance(1)
        good.until(lambda number=number: good.beats == number)
        clock.until_waiting(1)
    assert bad.beats == 2
    assert troubles == [error, error]
    assert "q: beat failed (RuntimeError: away)" in caplog.text


def test_stopping_ends_the_thread_at_once(tend):
    consumer = Tended()
    clock, maintenance = tend(consumer, interval=1000.0)  # and so long it waits for its thread, really
    thread = maintenance._thread
    maintenance.stop()
    assert not thread.is_alive()
    maintenance.stop()
    clock.advance(5000)
    assert consumer.beats == 0


def test_an_alarm_rings_at_its_time_and_the_earliest_one_counts(tend):
    consumer = Tended()
    clock, maintenance = tend(consumer)
    now = clock.monotonic()
    for seconds in (0.5, 0.2, 0.7):
        maintenance.wake_at(now + seconds)
    clock.until_waiting(1)
    clock.advance(0.199)
    assert consumer.alarms == 0
    clock.advance(0.001)
    consumer.until(lambda: consumer.alarms == 1)
    clock.until_waiting(1)
    clock.advance(0.6)  # who wanted the others asks again
    assert (consumer.alarms, consumer.beats) == (1, 0)


def test_who_stops_waits_for_a_beat_that_takes_long(tend):
    class Slow(Tended):
        def beat(self):
            super().beat()
            with self.changed:
                self.changed.wait_for(lambda: self.error is not None, PATIENCE)

    consumer = Slow()
    clock, maintenance = tend(consumer, interval=0.1)
    clock.advance(0.1)
    consumer.until(lambda: consumer.beats == 1)
    stopping = Call(maintenance.stop)
    assert stopping.running(1.5)
    with consumer.changed:
        consumer.error = "over"
        consumer.changed.notify_all()
    stopping.result()
