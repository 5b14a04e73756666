"""history: records are gathered and written together, in order; a store that is away, slow or picky stops nobody."""

from __future__ import annotations

import logging
import time

import pytest
from support.program import message

from funboost_core import Ack, BoosterParams, ConfigError, Drop, HistoryParams, Outcome, Requeue, Retry, boost
from funboost_core.consuming import finishing, history
from funboost_core.consuming.consumer import Consumer
from funboost_core.consuming.execution import run
from funboost_core.consuming.history import BATCH, EVERY, PRUNE, HistoryWriter
from funboost_core.native import Event, Thread, current_thread
from funboost_core.ports.store import Record

PATIENCE = 30


@pytest.fixture
def writer(program, monkeypatch):
    monkeypatch.setattr(history, "PATIENCE", PATIENCE)
    made = program.environment.worker.history
    yield made
    program.environment.state.history.failing.clear()
    program.environment.state.history.refuse = lambda record: False
    made.stop()


@pytest.fixture
def store(program):
    return program.environment.state.history


def record(name, size=0):
    return Record.of({"_id": name, "filling": "x" * size})


def until(store, condition):
    with store.changed:
        assert store.changed.wait_for(condition, PATIENCE), store.batches


def pass_time(program, condition, step=EVERY / 5):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        program.clock.advance(step)
        time.sleep(0.002)


# -- gathering ------------------------------------------------------------------------------------------------------------


def test_nothing_is_started_before_there_is_a_record(program, writer):
    writer.stop()
    assert writer.flush()
    assert writer._thread is None


def test_records_of_half_a_second_are_written_together(program, writer, store):
    for name in "abc":
        writer.add(record(name), 60)
    program.clock.until_waiting(1)
    program.clock.advance(EVERY - 0.001)
    assert program.clock.waiting == 1
    assert store.batches == []
    program.clock.advance(0.001)
    until(store, lambda: store.kept)
    assert store.batches == [(["a", "b", "c"], 60)]
    writer.add(record("d"), 60)
    pass_time(program, lambda: "d" in store.kept)


def test_many_records_do_not_wait(program, writer, store):
    for number in range(BATCH):
        writer.add(record(str(number)), 60)
    until(store, lambda: len(store.kept) == BATCH)
    assert program.clock.monotonic() == 1000


def test_nobody_is_overheard_who_adds_while_the_thread_falls_asleep(program, writer, store):
    """Adding takes no lock, and the thread has no other reason to wake up."""

    def add(first):
        for number in range(first, first + 100):
            writer.add(record(str(number)), 60)

    for round_ in range(20):
        threads = [Thread(target=add, args=(1000 * round_ + first,)) for first in range(0, 800, 100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        pass_time(program, lambda: len(store.kept) == 800 * (round_ + 1))  # noqa: B023
    assert writer.dropped == 0


def test_each_time_to_live_is_kept(writer, store):
    for name, ttl in (("a", 60), ("b", 60), ("c", 5), ("d", 60)):
        writer.add(record(name), ttl)
    assert writer.flush()
    assert store.batches == [(["a", "b"], 60), (["c"], 5), (["d"], 60)]


def test_saving_writes_at_once_what_others_have_added_too(writer, store):
    writer.add(record("first"), 60)
    writer.save(record("second"), 60)
    assert list(store.kept) == ["first", "second"]


def test_stopping_writes_the_rest_and_adding_begins_anew(writer, store):
    writer.add(record("a"), 60)
    writer.stop()
    assert list(store.kept) == ["a"]
    writer.add(record("b"), 60)
    writer.stop()
    assert list(store.kept) == ["a", "b"]


def test_a_thread_that_was_held_up_while_it_was_stopped_ends_all_the_same(program, writer, store, monkeypatch):
    """A run that ends late adds a record, for which another thread begins, before the first has seen that it is to end."""
    begun, joined, wait = [], Event(), program.clock.wait

    def held_up(condition, seconds):
        woken = wait(condition, seconds)
        if current_thread() is begun[0]:
            condition.release()
            assert joined.wait(PATIENCE)
            condition.acquire()
        return woken

    monkeypatch.setattr(Thread, "start", lambda thread, start=Thread.start: begun.append(thread) or start(thread))
    monkeypatch.setattr(program.clock, "wait", held_up)
    writer.add(record("a"), 60)
    program.clock.until_waiting(1)
    with monkeypatch.context() as patch:
        patch.setattr(Thread, "join", lambda thread, timeout=None: None)  # as if its time were up
        writer.stop()
    writer.add(record("b"), 60)
    joined.set()
    first, second = begun
    first.join(PATIENCE)
    assert not first.is_alive()
    assert second.is_alive()
    pass_time(program, lambda: "b" in store.kept)


def test_all_that_is_given_up_is_counted_whoever_gives_up_at_the_same_time(writer):
    class Looked(int):
        def __add__(self, more):
            others.append(Thread(target=writer._give_up, args=(1,)))
            others[0].start()
            others[0].join(0.3)
            return int(self) + more

    others, writer.dropped = [], Looked(0)
    writer._give_up(2)
    others[0].join()
    assert writer.dropped == 3


def test_old_records_are_deleted_now_and_then(program, writer, store):
    store.failing.append(OSError("disk"))  # which ends nothing
    writer.add(record("a"), 60)
    pass_time(program, lambda: store.pruned >= 2, PRUNE / 5)


# -- a store that is away -------------------------------------------------------------------------------------------------


def test_a_store_that_is_away_is_asked_again_and_gets_everything(program, writer, store, caplog):
    store.failing = [OSError("away")] * 3
    with caplog.at_level(logging.WARNING, "funboost.history"):
        for name in "abc":
            writer.save(record(name), 60)
        assert store.kept == {}
        pass_time(program, lambda: store.kept)
        assert writer.flush()
    assert sorted(store.kept) == ["a", "b", "c"]
    assert [line.getMessage().split(" (")[0] for line in caplog.records] == [
        "The history store failed",
        "The history store is back; 0 records were given up so far.",
    ]


def test_while_it_is_away_nobody_asks_it_for_each_record(writer, store):
    store.failing = [OSError("away")] * 50
    for number in range(20):
        writer.save(record(str(number)), 60)
    assert len(store.failing) >= 48  # the first record, and the thread at most once


@pytest.mark.parametrize("size", [0, 1000])
def test_what_waits_is_bounded_by_number_and_size(writer, store, monkeypatch, caplog, size):
    monkeypatch.setattr(history, "MOST", 10 if not size else 1000)
    monkeypatch.setattr(history, "MOST_BYTES", 2 * 10_500)  # half for those that are large, half for the others
    store.refuse = lambda record: True
    for number in range(30):
        writer.save(record(str(number), size), 60)
    store.refuse = lambda record: False
    assert writer.flush()
    assert list(store.kept) == [str(number) for number in range(20, 30)]
    assert writer.dropped == 20
    assert sum("are given up" in line.getMessage() for line in caplog.records) == 1


def test_what_is_lost_in_the_end_is_told(program, writer, store, caplog):
    store.refuse = lambda record: True
    writer.add(record("a"), 60)
    writer.stop()
    assert "1 records of history are lost" in caplog.text


def test_what_a_stuck_store_has_in_hand_in_the_end_is_told(program, store, monkeypatch, caplog):
    monkeypatch.setattr(history, "PATIENCE", 0.05)
    writer, entered, leave = HistoryWriter(program.environment), Event(), Event()
    monkeypatch.setattr(store, "save", lambda records, ttl: entered.set() or leave.wait(PATIENCE))
    writer.add(record("a"), 60)
    holder = Thread(target=writer.flush)
    holder.start()
    assert entered.wait(PATIENCE)
    writer.stop()
    assert "1 records of history are lost" in caplog.text
    leave.set()
    holder.join()


def test_a_record_that_cannot_be_taken_does_not_keep_the_others(writer, store, caplog):
    store.refuse = lambda record: record.id in {"b", "d"}
    for name in "abcde":
        writer.add(record(name), 60)
    assert not writer.flush()  # once more: the store may have been away just then
    writer.add(record("f"), 60)
    assert writer.flush()
    assert list(store.kept) == ["a", "c", "e", "f"]
    assert writer.dropped == 2
    assert "The record of b is given up" in caplog.text


def test_what_is_tried_once_more_does_not_replace_what_is_newer(writer, store):
    for name, run_times in (("a", 1), ("a", 2), ("b", 1)):
        writer.add(Record.of({"_id": name, "run_times": run_times}), 60)
    store.failing = [OSError("away")] * 2
    assert writer.flush()
    assert store.kept["a"]["run_times"] == 2


def test_a_store_that_goes_away_in_between_costs_no_record(writer, store):
    for name in "abcdef":
        writer.add(record(name), 60)
    gone = []

    def refuse(one):
        gone.append(one)
        return len(gone) != 2  # all at once fails; then the first alone works, then nothing does

    store.refuse = refuse
    assert not writer.flush()
    assert list(store.kept) == ["a"]
    store.refuse = lambda record: False
    assert writer.flush()
    assert list(store.kept) == list("abcdef")


def test_a_slow_store_holds_tasks_for_a_while_and_a_stuck_one_once(program, store, monkeypatch):
    monkeypatch.setattr(history, "PATIENCE", 0.05)
    writer, entered, leave = HistoryWriter(program.environment), Event(), Event()
    save = store.save

    def stuck(records, ttl):
        entered.set()
        leave.wait(PATIENCE)
        save(records, ttl)

    monkeypatch.setattr(store, "save", stuck)
    holder = Thread(target=lambda: writer.save(record("a"), 60))
    holder.start()
    assert entered.wait(PATIENCE)
    writer.save(record("b"), 60)
    assert writer._stuck
    monkeypatch.setattr(history, "PATIENCE", 1e9)
    writer.save(record("c"), 60)  # returns at once
    monkeypatch.setattr(history, "PATIENCE", PATIENCE)
    leave.set()
    holder.join(PATIENCE)
    writer.stop()
    assert list(store.kept) == ["a", "b", "c"]
    assert not writer._stuck


def test_tasks_wait_for_a_store_that_is_only_slow(writer, store, monkeypatch):
    monkeypatch.setattr(history, "MOST", 10)
    for number in range(100):
        writer.add(record(str(number)), 60)
    assert writer.flush()
    assert len(store.kept) == 100
    assert writer.dropped == 0


# -- what is kept of a run ------------------------------------------------------------------------------------------------


def kept(**params):
    return HistoryParams(is_save_status=True, **params)


def finish(program, verdict, result=7, error=None, **params):
    line = program.line(history=kept(**params))
    delivery = line.fetched(message({"x": [1]}, task_id="t"))
    (step,) = line.planner.plain.finish
    step(delivery, Outcome(result, error, 10.0, 12.5, 2), verdict)
    return delivery


def test_a_finished_run_is_kept_for_its_time(program, writer, store):
    finish(program, Ack(), is_save_result=True, expire_seconds=60)
    (_, ttl), one = store.batches[0], store.kept["t"]
    assert ttl == 60
    assert (one["run_status"], one["success"], one["result"], one["run_times"]) == ("finish", True, 7, 2)
    assert one["params_str"] == '{"x": [1]}'
    assert one["insert_minutes"] == one["insert_time_str"][:16]


def test_without_the_result_there_is_none(program, writer, store):
    finish(program, Ack())
    assert "result" not in store.kept["t"]


@pytest.mark.parametrize("verdict", [Retry(5), Requeue()])
def test_between_two_runs_it_is_running(program, writer, store, verdict):
    finish(program, verdict, error=ValueError("no"))
    assert store.kept == {}  # not worth a write of its own
    assert writer.flush()
    assert (store.kept["t"]["run_status"], store.kept["t"]["exception_msg"]) == ("running", "no")


def test_a_failure_for_good_is_a_finished_one(program, writer, store):
    finish(program, Drop("failed"), error=ValueError("no"))
    assert (store.kept["t"]["run_status"], store.kept["t"]["success"]) == ("finish", False)


def test_in_bulk_it_comes_later(program, writer, store):
    finish(program, Ack(), is_use_bulk_insert=True)
    assert store.kept == {}
    assert writer.flush()
    assert list(store.kept) == ["t"]


def test_what_the_function_changes_afterwards_is_not_kept(program, writer, store):
    result = [1]
    delivery = finish(program, Ack(), result=result, is_save_result=True, is_use_bulk_insert=True)
    result.append(2)
    delivery.arguments["x"].append(2)
    assert writer.flush()
    assert (store.kept["t"]["result"], store.kept["t"]["params"]) == ([1], {"x": [1]})


def test_immediate_retries_are_kept_too(program, writer, store):
    runs = []

    def task(x):
        runs.append(x)
        if len(runs) < 3:
            raise ValueError("not yet")

    consumer = Consumer(program.task(task, history=kept(), concurrent_mode="byhand"))
    program.server.put("q", message(task_id="t"))
    (delivery,) = consumer.intake.take(1)
    while consumer._conclude(delivery, run(delivery)):
        assert writer.flush()
        assert (store.kept["t"]["run_status"], store.kept["t"]["run_times"]) == ("running", len(runs))
    assert (store.kept["t"]["run_status"], store.kept["t"]["run_times"]) == ("finish", 3)
    consumer.stop()


def test_an_error_of_the_recorder_is_only_logged(program, writer, monkeypatch, caplog):
    monkeypatch.setattr(finishing, "keeping", lambda task, kept: lambda *about: 1 / 0)
    consumer = Consumer(program.task(lambda x: x, history=kept(), concurrent_mode="byhand"))
    program.server.put("q", message(task_id="t"))
    (delivery,) = consumer.intake.take(1)
    assert not consumer._conclude(delivery, run(delivery))
    assert len(program.server.acked) == 1
    assert "Reporting the result of t failed" in caplog.text
    consumer.stop()


# -- declaring it ---------------------------------------------------------------------------------------------------------


def test_the_result_needs_the_status():
    with pytest.raises(ValueError, match="is_save_result needs is_save_status"):
        HistoryParams(is_save_result=True)


def test_nothing_to_keep_costs_nothing(program):
    assert program.line(history=HistoryParams()).planner.plain.bare
    assert not program.line(history=kept()).planner.plain.bare


def test_without_a_store_it_is_refused_where_it_is_declared(make_program):
    program = make_program(STATE_URL="")
    with pytest.raises(ConfigError, match=r"history of queue 'q' needs a place .* STATE_URL"):
        boost(BoosterParams(queue_name="q", history=kept()), environment=program.environment)(lambda x: x)
