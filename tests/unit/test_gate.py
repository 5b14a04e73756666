"""gate: it blocks while paused or too early, opens at once, and stopping ends every waiting."""

from __future__ import annotations

import pytest
from funboost_testing.clock import FakeClock

from funboost_core.consuming.gate import UNLIMITED, Gate
from funboost_core.native import Event, Thread
from funboost_core.policies.rate import Rate

PATIENCE = 30


class Asking:
    """Asks for a permit on a thread of its own."""

    def __init__(self, gate):
        self.answer = None
        self.answered = Event()
        self.begun = Event()

        def ask():
            self.begun.set()
            self.answer = gate.permit()
            self.answered.set()

        self.thread = Thread(target=ask, daemon=True)
        self.thread.start()
        assert self.begun.wait(PATIENCE)

    def get(self):
        assert self.answered.wait(PATIENCE)
        self.thread.join()
        return self.answer


def test_without_a_rate_there_is_no_limit():
    assert Gate(FakeClock(), None).permit() == UNLIMITED
    assert Gate(FakeClock(), 0).permit() == UNLIMITED


def test_a_paused_gate_blocks_until_it_is_opened():
    gate = Gate(FakeClock(), None)
    gate.pause(True)
    assert gate.paused
    asking = Asking(gate)
    assert not asking.answered.wait(0.02)
    gate.pause(True)
    assert not asking.answered.wait(0.02)
    gate.pause(False)
    assert asking.get() == UNLIMITED


@pytest.mark.parametrize("state", ["paused", "too early"])
def test_stopping_ends_the_waiting(state):
    clock = FakeClock()
    gate = Gate(clock, 0.01)
    if state == "paused":
        gate.pause(True)
    else:
        gate.used(1)
    asking = Asking(gate)
    if state == "too early":
        clock.until_waiting(1)
    gate.stop()
    assert asking.get() == 0
    assert gate.permit() == 0


def test_stopping_again_and_again_while_others_wait():
    for _ in range(50):
        gate = Gate(FakeClock(), None)
        gate.pause(True)
        asking = [Asking(gate) for _ in range(3)]
        gate.stop()
        assert [one.get() for one in asking] == [0, 0, 0]


def test_the_rate_lets_one_through_each_interval():
    clock = FakeClock()
    gate = Gate(clock, 4)
    assert gate.permit() == 1
    gate.used(1)
    for _ in range(8):
        asking = Asking(gate)
        clock.until_waiting(1)
        clock.advance(0.24)
        assert not asking.answered.is_set()
        clock.advance(0.01)
        assert asking.get() == 1
        gate.used(1)


def test_what_is_not_used_may_be_used_by_the_next():
    gate = Gate(FakeClock(), 1)
    assert gate.permit() == 1
    gate.used(0)
    assert gate.permit() == 1


def test_a_pause_during_the_waiting_for_the_rate_holds():
    clock = FakeClock()
    gate = Gate(clock, 1)
    gate.used(1)
    asking = Asking(gate)
    clock.until_waiting(1)
    gate.pause(True)
    clock.advance(60)
    assert not asking.answered.wait(0.02)
    gate.pause(False)
    assert asking.get() == 1


@pytest.mark.parametrize(("to", "answer"), [(None, UNLIMITED), (1000, 1)])
def test_another_rate_ends_a_waiting_that_has_become_too_long(to, answer):
    clock = FakeClock()
    gate = Gate(clock, 0.01)
    gate.used(1)
    asking = Asking(gate)
    clock.until_waiting(1)
    gate.change_rate(to)
    if to:
        clock.until_waiting(1)
        clock.advance(0.001)
    assert asking.get() == answer


def test_another_rate_that_comes_right_before_the_waiting_is_not_missed():
    class Seized(Rate):
        """Another thread changes the rate when it has just been looked at."""

        def due(self, now):
            due = super().due(now)
            if not due[0]:
                gate.change_rate(None)
            return due

    gate = Gate(FakeClock(), 0.01, pace=Seized)
    gate.used(1)
    assert Asking(gate).get() == UNLIMITED


@pytest.mark.parametrize(
    ("looks", "ask"),
    [
        (2, lambda gate: gate.permit()),
        (1, lambda gate: gate.confirm(1)),
        (1, lambda gate: gate.used(1)),
        (1, lambda gate: gate.rested()),
        (1, lambda gate: gate.change_rate(2)),
    ],
)
def test_a_rate_that_another_thread_takes_away_harms_nobody(looks, ask):
    class Vanishing(Gate):
        """Its rate is gone when it has been looked at that often."""

        @property
        def rate(self):
            return self.seen.pop(0) if self.seen else None

        @rate.setter
        def rate(self, rate):
            self.seen = [rate] * looks

    ask(Vanishing(FakeClock(), 1))


def test_a_rate_may_be_introduced():
    clock = FakeClock()
    gate = Gate(clock, None)
    gate.change_rate(2)
    assert gate.permit() == 1
    gate.used(1)
    asking = Asking(gate)
    clock.until_waiting(1)
    clock.advance(0.5)
    assert asking.get() == 1


def test_a_broker_that_must_be_served_idles_instead_of_waiting():
    clock, idled = FakeClock(), []

    def idle(seconds):
        idled.append(seconds)
        clock.advance(seconds)
        if len(idled) == 3:
            gate.pause(False)

    gate = Gate(clock, 0.2, idle)
    gate.pause(True)
    assert gate.permit() == 1
    assert idled == [1.0, 1.0, 1.0]
    gate.used(1)
    assert gate.permit() == 1
    assert sum(idled[3:]) == pytest.approx(5)
    assert max(idled) <= 1.0


class Picky(Rate):
    """Has nothing for the first message that it has let be fetched."""

    refusals = 1

    def confirm(self, fetched, now):
        if self.refusals:
            self.refusals -= 1
            self.used(1, now)
            return 0
        return fetched


def test_what_was_fetched_is_confirmed_by_the_rate():
    assert Gate(FakeClock(), None).confirm(7) == 7
    assert Gate(FakeClock(), 1).confirm(7) == 7
    gate = Gate(FakeClock(), 1, pace=Picky)
    assert [gate.confirm(7) for _ in range(3)] == [0, 7, 7]


@pytest.mark.parametrize("end", [lambda gate: gate.pause(True), lambda gate: gate.stop()])
def test_nothing_is_confirmed_while_paused_or_stopped(end):
    gate = Gate(FakeClock(), None)
    end(gate)
    assert gate.confirm(7) == 0


def test_one_that_is_here_already_waits_until_it_is_confirmed():
    clock = FakeClock()
    gate = Gate(clock, 1, pace=Picky)
    answers = []
    thread = Thread(target=lambda: answers.append(gate.wait()), daemon=True)
    thread.start()
    clock.until_waiting(1)
    assert answers == []
    clock.advance(1)
    thread.join(PATIENCE)
    assert answers == [True]
    gate.stop()
    assert not gate.wait()


def test_another_rate_is_made_by_the_same_pace():
    gate = Gate(FakeClock(), None, pace=Picky)
    gate.change_rate(3)
    assert isinstance(gate.rate, Picky)


def test_hold_waits_and_stopping_ends_it():
    clock = FakeClock()
    gate = Gate(clock, None)
    for end in (lambda: clock.advance(30), gate.stop):
        thread = Thread(target=gate.hold, args=(30,), daemon=True)
        thread.start()
        clock.until_waiting(1)
        end()
        thread.join(PATIENCE)
        assert not thread.is_alive()
    gate.hold(30)  # at once
