"""worker: consumes each queue once, waits, and drains: nothing is lost, what runs may end."""

from __future__ import annotations

import json

import pytest
from support.program import message

from funboost_core import ConfigError, hookimpl
from funboost_core.errors import QueueUnknown
from funboost_core.native import Condition, Event, Thread

PATIENCE = 30


class Runs:
    """A task whose runs wait until they are released."""

    def __init__(self):
        self.changed = Condition()
        self.begun = self.ended = 0
        self.open = False

    def __call__(self, x):
        with self.changed:
            self.begun += 1
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.open)
            self.ended += 1
            self.changed.notify_all()

    def until(self, condition):
        with self.changed:
            assert self.changed.wait_for(condition, PATIENCE)

    def release(self):
        with self.changed:
            self.open = True
            self.changed.notify_all()


@pytest.fixture
def runs():
    made = Runs()
    yield made
    made.release()


def named(runs):
    def task(x):
        runs(x)

    return task


def test_a_queue_is_consumed_once(program, caplog):
    booster, worker = program.booster(), program.environment.worker
    booster.consume()
    booster.consume()
    assert "being consumed in this process already" in caplog.text
    assert len(worker.consumers()) == 1
    assert worker.consumer("q") is worker.consumers()[0]
    with pytest.raises(QueueUnknown, match="known: q"):
        worker.consumer("other")
    assert worker.active


def test_stop_gives_back_what_was_not_started_and_lets_end_what_runs(program, runs):
    booster = program.booster(named(runs), concurrent_num=2)
    program.server.put("q", *[message({"x": x}, task_id=str(x)) for x in range(6)])
    booster.consume()
    runs.until(lambda: runs.begun == 2)
    worker, answers = program.environment.worker, []
    stopping = Thread(target=lambda: answers.append(worker.stop(30)), daemon=True)
    stopping.start()
    program.clock.until_waiting(2)
    assert answers == []
    runs.release()
    stopping.join(PATIENCE)
    assert answers == [True]
    assert runs.ended == runs.begun
    left = {json.loads(body)["x"] for body in program.server.bodies("q")}
    assert len(program.server.acked) == runs.ended
    assert len(left) == 6 - runs.ended
    assert not worker.active
    assert all(broker.closed for broker in program.server.brokers)


def test_at_the_deadline_it_stops_waiting_and_the_messages_go_back(program, runs, caplog):
    booster = program.booster(named(runs))
    program.server.put("q", message())
    booster.consume()
    runs.until(lambda: runs.begun == 1)
    answers = []
    stopping = Thread(target=lambda: answers.append(program.environment.worker.stop(5)), daemon=True)
    stopping.start()
    while stopping.is_alive():
        program.clock.advance(1)
        stopping.join(0.01)
    assert answers == [False]
    assert "still running after 5 s" in caplog.text
    assert program.server.bodies("q") == [message()]
    runs.release()


def test_wait_ends_with_the_last_consumer_or_the_time(program):
    worker = program.environment.worker
    assert worker.wait() is True
    program.booster().consume()
    assert worker.wait(0) is False
    answers = []
    waiting = Thread(target=lambda: answers.append(worker.wait()), daemon=True)
    waiting.start()
    stopping = Thread(target=worker.stop, args=(5,), daemon=True)
    stopping.start()
    for thread in (stopping, waiting):
        while thread.is_alive():
            thread.join(0.01)
            program.clock.advance(0.1)
    assert answers == [True]


def test_stopping_twice_does_nothing(program):
    stopped = []

    class Plugin:
        @hookimpl
        def funboost_worker_stopping(self):
            stopped.append(1)

    program.environment.manager.register(Plugin())
    worker = program.environment.worker
    assert worker.stop() is True
    program.booster().consume()
    program.close()
    assert worker.stop() is True
    assert stopped == [1]


def test_a_consumer_that_cannot_start_leaves_nothing_behind(program, monkeypatch):
    booster = program.booster()
    monkeypatch.setattr("funboost_core.consuming.crew.Crew.start", None)  # calling it will fail
    with pytest.raises(TypeError):
        booster.consume()
    assert program.environment.worker.consumers() == []
    assert not program.environment.worker.active
    assert all(broker.closed for broker in program.server.brokers)


def test_a_consumer_that_cannot_be_ended_keeps_no_other_from_ending(program, caplog):
    program.booster(queue_name="a").consume()
    program.booster(queue_name="b").consume()
    bad, good = program.environment.worker.consumers()
    real = bad.stop

    def broken():
        real()
        raise RuntimeError("a defect")

    bad.stop = broken
    program.close()
    assert "a defect" in caplog.text
    assert all(broker.closed for broker in program.server.brokers)
    assert good.gate.stopped


def test_a_pool_that_does_not_fit_is_the_callers_error(program):
    class Plugin:
        @hookimpl
        def funboost_pools(self):
            from funboost_core import PoolSpec

            return [PoolSpec("odd", lambda context: object())]

    program.environment.manager.register(Plugin())
    with pytest.raises(ConfigError, match="odd is neither a ThreadPool nor a TaskPool"):
        program.booster(concurrent_mode="odd").consume()


def test_orders_reach_consumers_here_and_elsewhere(program):
    booster = program.booster(qps=5)
    booster.consume()
    (consumer,) = program.environment.worker.consumers()
    coordinator = program.environment.state.coordinator
    booster.pause_consume()
    assert consumer.gate.paused
    booster.change_qps(50)
    assert consumer.gate.rate.qps == 50
    assert consumer.gate.paused
    booster.change_qps(0)
    assert consumer.gate.rate is None
    booster.change_concurrent_num(7)
    assert consumer._pool.limit == 7
    flags = coordinator.flags("q")
    assert (flags["paused"], float(flags["qps"]), flags["concurrent_num"]) == ("1", 0.0, "7")
    booster.continue_consume()
    booster.change_qps(None)
    booster.change_concurrent_num(None)
    assert not consumer.gate.paused
    assert consumer.gate.rate.qps == 5
    assert consumer._pool.limit == 50
    coordinator.set_flag("q", "qps", "3")  # from another host
    consumer.beat()
    assert consumer.gate.rate.qps == 3
    with pytest.raises(ValueError, match="use pause_consume to stop"):
        booster.change_concurrent_num(0)


def test_a_beat_that_has_looked_just_before_does_not_undo_an_order(program, monkeypatch):
    """The beat stands still with what it has seen, until the order has been given, or (0.3 s) has to wait for it."""
    booster = program.booster(qps=5)
    booster.consume()
    (consumer,) = program.environment.worker.consumers()
    coordinator, given, looked = program.environment.state.coordinator, Event(), Event()
    flags = coordinator.flags

    def slowly(scope):
        seen = flags(scope)
        looked.set()
        given.wait(0.3)
        return seen

    monkeypatch.setattr(coordinator, "flags", slowly)
    beat = Thread(target=consumer.beat)
    beat.start()
    assert looked.wait(PATIENCE)
    booster.pause_consume()
    given.set()
    beat.join()
    assert consumer.gate.paused


def test_orders_without_shared_state_hold_in_this_process(make_program):
    program = make_program(STATE_URL="")
    booster = program.booster()
    booster.consume()
    booster.pause_consume()
    assert program.environment.worker.consumers()[0].gate.paused


def test_a_first_beat_that_fails_does_not_keep_a_consumer_from_starting(program, caplog):
    booster = program.booster()
    program.environment.state.coordinator.beat = None
    booster.consume()
    assert "the first beat failed" in caplog.text
    assert len(program.environment.worker.consumers()) == 1


def test_beats_have_ended_before_anything_is_released(program, monkeypatch):
    """A beat may have acknowledgements in its hands, and they would come too late."""
    order = []
    program.booster().consume()
    worker = program.environment.worker
    from funboost_core.consuming.consumer import Consumer
    from funboost_core.maintenance import Maintenance

    stop, release = Maintenance.stop, Consumer.release
    monkeypatch.setattr(Maintenance, "stop", lambda self: (order.append("beats end"), stop(self)))
    monkeypatch.setattr(Consumer, "release", lambda self: (order.append("released"), release(self)))
    worker.stop(0)
    assert order == ["beats end", "released"]


def test_an_interrupted_start_leaves_the_consumer_to_the_drain(program, monkeypatch):
    from funboost_core.consuming.crew import Crew

    start = Crew.start

    def interrupted(self):
        start(self)
        raise KeyboardInterrupt

    monkeypatch.setattr(Crew, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        program.booster().consume()
    assert len(program.environment.worker.consumers()) == 1
    assert program.environment.worker.active


def test_what_begins_to_consume_while_everything_ends_is_ended_too(program, monkeypatch):
    from funboost_core.consuming.consumer import Consumer

    late, drain, worker = program.booster(queue_name="late"), Consumer.drain, program.environment.worker

    def draining(consumer, seconds):
        if consumer.task.queue_name == "q":
            late.consume()
        return drain(consumer, seconds)

    monkeypatch.setattr(Consumer, "drain", draining)
    program.booster().consume()
    worker.stop(5)
    assert not worker.active
    assert len(program.server.brokers) == 2
    assert all(broker.closed for broker in program.server.brokers)


def test_who_stops_while_another_thread_does_waits_for_it(program, monkeypatch):
    """Otherwise it closes what the other one still needs."""
    from funboost_core.consuming.consumer import Consumer

    release, worker, answers = Consumer.release, program.environment.worker, []
    second = Thread(target=lambda: answers.append(worker.stop(5)), daemon=True)

    def releasing(consumer):
        second.start()
        second.join(1)
        assert second.is_alive()
        release(consumer)

    monkeypatch.setattr(Consumer, "release", releasing)
    program.booster().consume()
    assert worker.stop(5) is True
    second.join(PATIENCE)
    assert answers == [True]


def test_a_task_that_stops_what_is_stopping_waits_for_nobody(program):
    worker, answers = program.environment.worker, []
    changed = Condition()

    def task(x):
        with changed:
            changed.notify_all()
            changed.wait_for(lambda: worker.consumers()[0].gate.stopped, PATIENCE)
        answers.append(worker.stop(1000))

    program.server.put("q", message())
    booster = program.booster(task)
    with changed:
        booster.consume()
        changed.wait(PATIENCE)
    stopping = Thread(target=lambda: answers.append(worker.stop(1000)), daemon=True)
    stopping.start()
    while not worker.consumers()[0].gate.stopped:
        stopping.join(0.01)
    with changed:
        changed.notify_all()
    stopping.join(PATIENCE)
    assert answers == [True, True]


def test_after_a_stop_that_was_interrupted_another_one_ends_everything(program, monkeypatch):
    from funboost_core.consuming.consumer import Consumer

    def interrupted(consumer, seconds):
        monkeypatch.undo()
        raise KeyboardInterrupt

    program.booster().consume()
    worker = program.environment.worker
    monkeypatch.setattr(Consumer, "drain", interrupted)
    with pytest.raises(KeyboardInterrupt):
        worker.stop(5)
    assert worker.active
    worker.stop(5)
    assert not worker.active
    assert all(broker.closed for broker in program.server.brokers)


def test_the_history_is_written_before_it_is_over(program, monkeypatch):
    """Who waits for the end may be the main thread, whose end ends the thread that stops."""
    from funboost_core.consuming.history import HistoryWriter

    worker, seen = program.environment.worker, []
    monkeypatch.setattr(HistoryWriter, "stop", lambda writer: seen.append(worker.active))
    program.booster().consume()
    worker.stop(5)
    assert seen == [True]


def test_maintenance_may_end_while_a_consumer_calls_it(program, monkeypatch):
    from types import SimpleNamespace

    from funboost_core.worker import Worker

    called, seen = [], []
    maintenance = SimpleNamespace(hurry=lambda: called.append("hurry"), wake_at=called.append)

    def once(worker):
        seen.append(1)
        return maintenance if len(seen) == 1 else None

    worker = program.environment.worker
    with monkeypatch.context() as patch:
        patch.setattr(Worker, "_maintenance", property(once), raising=False)
        worker.hurry()
        seen.clear()
        worker.wake_at(7.0)
    assert called == ["hurry", 7.0]
