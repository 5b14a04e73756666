"""waiting: until a queue has been quiet for long enough, and what counts as noise."""

from __future__ import annotations

from threading import Event

import pytest

from funboost_core.consuming.receiving import Receiver
from funboost_core.errors import CapabilityMissing
from funboost_core.native import Thread
from funboost_core.waiting import wait_until_quiet


class Wait:
    """The waiting on a thread of its own; `seconds` lets the time pass look by look."""

    def __init__(self, program, seconds, **params):
        self.clock = program.clock
        booster = program.booster(**params)
        self.publisher = booster.publisher
        self.thread = Thread(target=wait_until_quiet, args=(booster.task, self.publisher, seconds), daemon=True)
        self.began = self.clock.monotonic()
        self.thread.start()

    def pass_time(self, seconds):
        end = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end - 1e-9 and self.step():
            pass

    def step(self):
        while self.thread.is_alive() and not self.clock.waiting:
            self.thread.join(0.001)
        if not self.thread.is_alive():
            return False
        self.clock.advance(self.clock.next_deadline() - self.clock.time())
        return True

    def finish(self):
        while self.step():
            pass
        return self.clock.monotonic() - self.began


def test_an_empty_queue_is_quiet_after_the_time(program):
    assert Wait(program, 60).finish() == pytest.approx(61, abs=1)


def test_messages_that_wait_are_noise(program):
    program.server.put("q", b"{}")
    wait = Wait(program, 10)
    wait.pass_time(100)
    assert wait.thread.is_alive()
    program.server.queues["q"].clear()
    assert wait.finish() == pytest.approx(110, abs=2)


@pytest.mark.parametrize("what", ["running", "finished"])
def test_consumers_elsewhere_that_run_or_finish_something_are_noise(program, what):
    coordinator, info = program.environment.state.coordinator, {"running": 0, "finished": 0}
    coordinator.beat("q", "elsewhere", info, 10)
    wait = Wait(program, 10)
    for number in range(1, 40):
        info[what] = number if what == "finished" else 1
        coordinator.beat("q", "elsewhere", info, 10)
        wait.pass_time(1)
    assert wait.thread.is_alive()
    coordinator.beat("q", "elsewhere", {"running": 0, "finished": info["finished"]}, 10)
    assert wait.finish() == pytest.approx(49, abs=2)


def test_a_consumer_that_comes_and_goes_between_two_looks_is_noticed(program):
    wait = Wait(program, 10)
    wait.pass_time(9)
    program.environment.state.coordinator.beat("q", "elsewhere", {"running": 0, "finished": 5}, 10)
    assert wait.finish() >= 18


def test_who_stood_still_has_not_looked(program):
    """A process that gets no processor for a while, or a laptop that sleeps."""
    program.server.put("q", b"{}")
    wait = Wait(program, 10)
    for _ in range(3):
        program.clock.until_waiting(1)
        program.clock.advance(100)
        wait.pass_time(1)
        assert wait.thread.is_alive(), "the message waits there still"
    program.server.queues["q"].clear()
    wait.pass_time(5)
    program.clock.advance(100)
    wait.pass_time(2)
    assert wait.thread.is_alive(), "it has not seen that nothing came and went"
    wait.finish()


def test_a_message_that_is_not_yet_known_to_be_fit_to_run_is_noise(program, monkeypatch):
    """It has been taken out of the queue and does not run: the state store is asked about it, for example."""
    asking, answered, admit = Event(), Event(), Receiver.admit

    def slowly(receiver, delivery):
        asking.set()
        assert answered.wait(30)
        return admit(receiver, delivery)

    monkeypatch.setattr(Receiver, "admit", slowly)
    ran = []
    program.server.put("q", b'{"x":1}')
    program.booster(lambda x: ran.append(x)).consume()
    assert asking.wait(30)
    wait = Wait(program, 10)
    wait.pass_time(100)
    assert wait.thread.is_alive()
    answered.set()
    wait.finish()
    assert ran == [1]


def test_other_queues_are_no_noise(program):
    program.environment.state.coordinator.beat("other", "elsewhere", {"running": 1, "finished": 5}, 10)
    program.server.put("other", b"{}")
    assert Wait(program, 10).finish() == pytest.approx(11, abs=1)


def test_without_shared_state_the_own_consumers_count(make_program):
    program = make_program(STATE_URL="")
    assert Wait(program, 10).finish() == pytest.approx(11, abs=1)


@pytest.mark.parametrize("minutes", [0, -1])
def test_no_time_at_all_is_refused(program, minutes):
    with pytest.raises(ValueError, match="minutes must be more than 0"):
        program.booster().wait_for_possible_has_finish_all_tasks(minutes)


def test_a_broker_that_cannot_count_is_refused_by_name(program):
    with pytest.raises(CapabilityMissing, match=r"BARE.*wait_for_possible_has_finish_all_tasks.*COUNT"):
        program.booster(broker_kind="BARE").wait_for_possible_has_finish_all_tasks(1)
