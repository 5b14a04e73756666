"""fetching: how many are taken, and what a failing broker costs."""

from __future__ import annotations

import pytest
from support.program import message

from funboost_core import hookimpl
from funboost_core.consuming.fetching import FAST, WINDOW
from funboost_core.consuming.permits import Permits
from funboost_core.native import Thread

PATIENCE = 30


def limits(program):
    return [limit for limit, _ in program.server.fetches]


class Taking:
    """`take` on a thread of its own, for when it waits."""

    def __init__(self, line, *args, **kwargs):
        self.answer = None

        def take():
            self.answer = line.intake.take(*args, **kwargs)

        self.thread = Thread(target=take, daemon=True)
        self.thread.start()

    def get(self):
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()
        return self.answer


def fill(program, count, queue="q"):
    program.server.put(queue, *[message({"x": number}) for number in range(count)])


# -- how many ----------------------------------------------------------------------------------------------------------


def test_it_begins_with_what_can_start_at_once(program):
    line = program.line()
    fill(program, 100)
    assert len(line.intake.take(1)) == 1
    assert len(line.intake.take(3)) == 3
    assert limits(program) == [1, 3]


def test_it_adapts_to_the_measured_rate_and_back(program):
    line = program.line()
    fill(program, 3000)
    taken = []
    for finished in (41, 41, 81, 0, 0):
        line.intake.finished += finished
        program.clock.advance(2 * WINDOW)
        taken.append(len(line.intake.take(1)))
    assert taken == [20, 20, 40, 1, 1]


def test_a_window_too_short_to_measure_changes_nothing(program):
    line = program.line()
    fill(program, 100)
    line.intake.finished = 50
    program.clock.advance(WINDOW / 2)
    assert len(line.intake.take(1)) == 1


def test_it_never_takes_more_than_a_batch(program):
    line = program.line()
    fill(program, 2000)
    line.intake.finished = 10_000
    program.clock.advance(2 * WINDOW)
    assert len(line.intake.take(1)) == 100
    assert len(line.intake.take(5000)) == 100


def test_the_brokers_own_batch_size_decides(program):
    line = program.line()
    line.intake._batch = 7
    fill(program, 100)
    line.intake.finished = 10_000
    program.clock.advance(2 * WINDOW)
    assert len(line.intake.take(50)) == 7


def test_it_never_takes_more_than_asked_for_or_permitted(program):
    line = program.line()
    fill(program, 100)
    line.intake.finished = 10_000
    program.clock.advance(2 * WINDOW)
    permits = Permits(5)
    assert len(line.intake.take(1, permits)) == 5 == permits.out
    limited = program.line(qps=2)
    limited.intake.finished = 10_000
    program.clock.advance(2 * WINDOW)
    assert len(limited.intake.take(50)) == 1


def test_permits_are_held_by_what_runs_and_by_nothing_else(program):
    line, permits = program.line(), Permits(10)
    program.server.put("q", message({"x": 1}), b"?", message({"z": 1}), message({"x": 2}))
    assert len(line.intake.take(10, permits)) == 2
    assert permits.out == 2
    taking = Taking(line, 10, permits)
    program.clock.until_waiting(1)
    assert permits.out == 2
    fill(program, 3)
    assert len(taking.get()) == 1
    assert permits.out == 3
    line.gate.stop()
    assert line.intake.take(10, permits) == ()
    assert permits.out == 3


def test_acknowledgements_ride_along_only_while_tasks_are_fast(program):
    line = program.line()
    fill(program, 1000)
    assert line.settler.eager
    line.intake.finished += int(FAST * 2 * WINDOW) + 1
    program.clock.advance(2 * WINDOW)
    deliveries = line.intake.take(1)
    assert not line.settler.eager
    for delivery in deliveries:
        line.settler.ack(delivery)
    assert program.server.acks == []
    line.intake.take(1)
    assert [len(batch) for batch in program.server.acks] == [len(deliveries)]
    program.clock.advance(1)
    line.intake.take(1)
    assert line.settler.eager


def test_ticks_are_asked_for_once_they_are_needed(program, monkeypatch):
    """Otherwise they may have ended again, for nobody needed them yet."""
    line, asked = program.line(), []
    monkeypatch.setattr(program.environment.worker, "hurry", lambda: asked.append(line.settler.eager))
    fill(program, 1000)
    line.intake.finished += int(FAST * 2 * WINDOW) + 1
    program.clock.advance(2 * WINDOW)
    line.intake.take(1)
    assert asked == [False]


class SlowAnswers:
    """A broker behind a network: each `turn` takes `seconds` of the program's clock."""

    def __init__(self, program, line, seconds):
        self.program, self.line, self.seconds = program, line, seconds
        self._turn, line.broker.turn = line.broker.turn, self.turn

    def turn(self, done, limit):
        self.program.clock.advance(self.seconds)
        return self._turn(done, limit)

    def cycle(self, task_seconds):
        """Take, run and acknowledge one after the other; the number taken."""
        deliveries = self.line.intake.take(1)
        for delivery in deliveries:
            self.program.clock.advance(task_seconds)
            if self.line.settler.eager:
                self.program.clock.advance(self.seconds)
            self.line.settler.ack(delivery)
            self.line.intake.finished += 1
        return len(deliveries)


def test_with_a_slow_broker_fast_tasks_move_in_batches(program):
    line = program.line()
    slow = SlowAnswers(program, line, 0.008)
    fill(program, 3000)
    taken = [slow.cycle(0.0001) for _ in range(20)]
    assert taken[0] == 1
    assert taken[-1] == 100
    assert not line.settler.eager


def test_with_a_slow_broker_slow_tasks_are_still_taken_one_by_one_and_acknowledged_at_once(program):
    line = program.line()
    slow = SlowAnswers(program, line, 0.008)
    fill(program, 300)
    assert {slow.cycle(0.2) for _ in range(20)} == {1}
    assert line.settler.eager
    stuck = SlowAnswers(program, line, 5)
    assert max(stuck.cycle(0.2) for _ in range(5)) == 1


def test_before_it_waits_everything_is_acknowledged(program):
    line = program.line()
    line.settler.eager = False
    line.settler.ack(line.fetched())
    taking = Taking(line, 1)
    program.clock.until_waiting(1)
    assert len(program.server.acked) == 1
    assert line.settler.eager
    fill(program, 1)
    assert len(taking.get()) == 1


def test_who_has_found_the_end_of_the_queue_waits_without_looking_first(program):
    """With what is to be acknowledged, and only where the wait finds all that is there."""
    line = program.line()
    line.broker.fetch_looks = True
    fill(program, 1)
    assert len(line.intake.take(2)) == 1
    taking = Taking(line, 2)
    program.clock.until_waiting(1)
    fill(program, 1)
    [delivery] = taking.get()
    assert limits(program) == [2, 2]
    line.settler.eager = False
    line.settler.ack(delivery)
    taking = Taking(line, 2)
    program.clock.until_waiting(1)
    assert len(program.server.acked) == 1
    fill(program, 1)
    assert len(taking.get()) == 1
    assert limits(program) == [2, 2, 2]


@pytest.mark.parametrize("how", ["stop", "pause"])
def test_it_does_not_wait_when_it_was_woken_while_it_looked(program, monkeypatch, how):
    """The broker has forgotten by then that it was to wake somebody."""
    line = program.line()
    look = line.broker.turn

    def turn(done, limit):
        (line.gate.stop if how == "stop" else lambda: line.gate.pause(True))()
        line.broker.wake()
        return look(done, limit)

    monkeypatch.setattr(line.broker, "turn", turn)
    monkeypatch.setattr(line.broker, "fetch", lambda limit, timeout: [] if not timeout else pytest.fail("it waits"))
    assert not line.intake.take(1)


def test_it_waits_a_while_and_answers_with_nothing(program):
    line = program.line()
    taking = Taking(line, 1)
    program.clock.until_waiting(1)
    program.clock.advance(1)
    assert not taking.get()


def test_the_broker_is_told_once_that_it_is_listened_to(program):
    line = program.line()
    fill(program, 3)
    for _ in range(3):
        line.intake.take(1)
    assert line.broker.listened == 1


# -- the gate ------------------------------------------------------------------------------------------------------------


def test_what_arrives_after_a_pause_or_a_stop_goes_back(program):
    for close in (lambda line: line.gate.pause(True), lambda line: line.gate.stop()):
        line = program.line()
        taking = Taking(line, 1)
        program.clock.until_waiting(1)
        close(line)
        fill(program, 1)
        assert taking.get() == ()
        assert len(program.server.bodies("q")) == 1
        program.server.queues["q"].clear()


def test_a_stopped_gate_fetches_nothing(program):
    line = program.line()
    line.gate.stop()
    fill(program, 1)
    assert line.intake.take(1) == ()
    assert program.server.fetches == []


def test_only_what_runs_uses_up_the_rate(program):
    line = program.line(qps=1, msg_expire_seconds=5)
    program.server.put("q", message(publish_time=0), message(publish_time=0), message())
    assert line.intake.take(1) == []
    assert line.intake.take(1) == []
    assert len(line.intake.take(1)) == 1
    taking = Taking(line, 1)
    program.clock.until_waiting(1)
    fill(program, 1)
    program.clock.advance(1)
    assert len(taking.get()) == 1


def test_nothing_waits_to_be_acknowledged_while_the_gate_may_hold(program):
    line = program.line(qps=1)
    line.settler.eager = False
    line.settler.ack(line.fetched())
    fill(program, 1)
    line.intake.take(1)
    assert len(program.server.acked) == 1


# -- a broker that fails ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["fetch", "listen"])
def test_a_broker_that_fails_is_asked_again_after_growing_pauses(program, operation, caplog):
    troubles = []

    class Plugin:
        @hookimpl
        def funboost_worker_error(self, error):
            troubles.append(error)

    program.environment.manager.register(Plugin())
    line = program.line()
    error = ConnectionError("away")
    program.server.failing[operation] = [error] * 12
    pauses = []
    for _ in range(12):
        taking = Taking(line, 1)
        program.clock.until_waiting(1)
        pauses.append(program.clock.next_deadline() - program.clock.time())
        program.clock.advance(pauses[-1] + 0.001)
        assert taking.get() == ()
    assert pauses == sorted(pauses)
    assert pauses[0] == pytest.approx(0.1, abs=0.01)
    assert pauses[-1] == pytest.approx(30, abs=0.01)
    assert troubles == [error] * 12
    assert "away" in caplog.text
    fill(program, 2)
    assert len(line.intake.take(1)) == 1
    program.server.failing["fetch"] = [error]
    taking = Taking(line, 1)
    program.clock.until_waiting(1)
    assert program.clock.next_deadline() - program.clock.time() == pytest.approx(0.1, abs=0.01)
    line.gate.stop()
    taking.get()


def test_acknowledgements_survive_a_fetch_that_fails(program):
    line = program.line()
    line.settler.eager = False
    line.settler.ack(line.fetched())
    program.server.failing["ack"] = [ConnectionError("away")]
    taking = Taking(line, 1)
    program.clock.until_waiting(1)
    assert len(line.settler.acks) == 1
    program.clock.advance(1)
    taking.get()
    fill(program, 1)
    line.intake.take(1)
    assert len(program.server.acked) == 1


def test_acknowledgements_survive_a_wait_that_fails(program):
    line = program.line()
    line.broker.fetch_looks = True
    line.settler.eager = False
    fill(program, 1)
    (delivery,) = line.intake.take(2)
    line.settler.eager = False
    line.settler.ack(delivery)
    program.server.failing["ack"] = [ConnectionError("away")]
    taking = Taking(line, 2)
    program.clock.until_waiting(1)
    assert list(line.settler.acks) == [delivery]
    program.clock.advance(1)
    taking.get()
    fill(program, 1)
    line.intake.take(2)
    assert len(program.server.acked) == 1


def test_progress_is_when_the_broker_last_answered(program):
    line = program.line()
    fill(program, 1)
    program.clock.advance(5)
    line.intake.take(1)
    assert line.intake.progress == program.clock.monotonic()
