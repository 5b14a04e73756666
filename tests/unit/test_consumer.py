"""consumer: judging, finishing and settling of a run in their order; beats, pauses, parked messages."""

from __future__ import annotations

import json

import pytest
from support.program import message

from funboost_core import (
    Ack,
    ConfigError,
    DeadLetter,
    DeadLetterTask,
    Drop,
    Outcome,
    Requeue,
    RequeueTask,
    Retry,
    hookimpl,
)
from funboost_core.consuming import judging
from funboost_core.consuming.consumer import Consumer
from funboost_core.consuming.execution import run
from funboost_core.native import Event
from funboost_core.ports.store import Parked
from funboost_core.task import Task

PATIENCE = 30


def plugin(hook, function):
    return type("Plugin", (), {hook: staticmethod(hookimpl(function))})


@pytest.fixture
def consumer(program):
    made = []

    def make(function=lambda x: x, **params):
        made.append(Consumer(program.task(function, **{"concurrent_mode": "byhand", **params})))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def fetched(consumer, program, body=None):
    """A delivery that was admitted."""
    program.server.put(consumer.task.queue, body or message(task_id="t"))
    (delivery,) = consumer.intake.take(1)
    return delivery


def go(consumer, program, body=None):
    """Fetch one message and run it to its end; how often it ran."""
    delivery, times = fetched(consumer, program, body), 1
    while consumer._conclude(delivery, run(delivery) or Outcome(None, None, 0, 0, 1)):
        times += 1
    return times


def failing(error):
    def task(x):
        raise error

    return task


def unshowable():
    class Mean(Exception):
        def __str__(self):
            raise RuntimeError

    return Mean()


def test_a_run_that_ends_after_the_consumer_acknowledges_nothing(program, monkeypatch):
    """Its message went back when the connection was closed."""
    begun, end, acks = Event(), Event(), []

    def task(x):
        begun.set()
        end.wait(PATIENCE)

    consumer = Consumer(program.task(task))
    program.server.put("q", message())
    consumer.start()
    assert begun.wait(PATIENCE)
    consumer.stop()
    assert not consumer.drain(0)
    consumer.release()
    monkeypatch.setattr(consumer._broker, "ack", acks.append)
    end.set()
    for thread in consumer._pool.started:
        while thread.is_alive():
            thread.join(0.01)
            program.clock.advance(1)
    assert acks == []


def test_the_line_is_tended_at_each_beat_also_while_the_broker_is_away(consumer, monkeypatch):
    tended, one = [], consumer()
    monkeypatch.setattr(one.line, "tend", lambda: tended.append(1))
    monkeypatch.setattr(one._broker, "maintain", lambda: 1 / 0)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            one.beat()
    assert tended == [1, 1]


# -- from a run to the end of its message ----------------------------------------------------------------------------


def test_a_success_is_acknowledged(consumer, program):
    assert go(consumer(), program) == 1
    assert len(program.server.acked) == 1


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(1), unshowable()])
def test_a_failure_runs_again_and_is_dropped(consumer, program, error, caplog):
    assert go(consumer(failing(error), max_retry_times=2), program) == 3
    assert len(program.server.acked) == 1
    assert program.server.bodies("q_dlx") == []
    assert caplog.text.count("again now") == 2
    assert "given up, failed 3 times" in caplog.text


@pytest.mark.parametrize("error", [ValueError("no"), unshowable()])
def test_or_becomes_a_dead_letter(consumer, program, error):
    go(consumer(failing(error), max_retry_times=1, is_push_to_dlx_queue_when_retry_max_times=True), program)
    (letter,) = map(json.loads, program.server.bodies("q_dlx"))
    assert letter["extra"]["dead_letter"]["attempts"] == 2
    assert letter["extra"]["dead_letter"]["reason"] == "failed 2 times"


def test_what_the_task_asks_for(consumer, program):
    assert go(consumer(failing(RequeueTask())), program) == 1
    assert len(program.server.bodies("q")) == 1
    program.server.queues["q"].clear()
    assert go(consumer(failing(DeadLetterTask())), program) == 1
    assert len(program.server.bodies("q_dlx")) == 1


def test_a_retry_with_an_interval_waits_in_the_queue_and_counts_its_runs(consumer, program):
    made = consumer(failing(ValueError()), max_retry_times=2, retry_interval=60)
    assert go(made, program) == 1
    for runs in (1, 2):
        (body,) = program.server.bodies("q")
        assert json.loads(body)["extra"]["run_times"] == runs
        program.server.queues["q"].clear()
        assert go(made, program, body) == 1
    assert program.server.bodies("q") == []
    assert made._broker.unacked == {}


def test_a_message_may_forbid_retries(consumer, program):
    assert go(consumer(failing(ValueError()), max_retry_times=9), program, message(max_retry_times=0)) == 1


@pytest.mark.parametrize("values", [{"max_retry_times": "1"}, {"max_retry_times": 1.0}])
def test_a_message_from_elsewhere_may_spell_numbers_as_it_likes(consumer, program, values):
    assert go(consumer(failing(ValueError()), max_retry_times=9), program, message(**values)) == 2


VERDICTS = [Ack(), Drop("d"), Requeue(), DeadLetter("dl"), Retry(5)]


@pytest.mark.parametrize("verdict", VERDICTS, ids=repr)
@pytest.mark.parametrize("error", [None, ValueError()])
def test_a_plugins_verdict_goes_before_the_policy(consumer, program, verdict, error):
    hooks = [plugin("funboost_judge", lambda: verdict)]
    made = consumer(failing(error) if error else (lambda x: x), hooks=hooks)
    assert go(made, program) == 1
    assert made._broker.unacked == {}
    where = {Requeue: "q", Retry: "q", DeadLetter: "q_dlx"}.get(type(verdict))
    if where:
        assert len(program.server.bodies(where)) == 1
    else:
        assert len(program.server.acked) == 1


def test_an_error_in_a_judging_plugin_leaves_it_to_the_policy(consumer, program, caplog):
    made = consumer(failing(ValueError()), max_retry_times=1, hooks=[plugin("funboost_judge", lambda: 1 / 0)])
    assert go(made, program) == 2
    assert "funboost_judge" in caplog.text


def test_everything_happens_in_order(consumer, program):
    order = []

    class Plugin:
        @hookimpl
        def funboost_after_execute(self, outcome):
            order.append(("after", outcome.result, outcome.runs))

        @hookimpl
        def funboost_judge(self):
            order.append("judge")

        @hookimpl
        def funboost_before_ack(self, verdict):
            order.append(("before ack", verdict, len(program.server.acked)))

        @hookimpl
        def funboost_after_ack(self, verdict):
            order.append(("after ack", verdict, len(program.server.acked)))

    go(consumer(hooks=[Plugin()], user_custom_record_process_info_func=lambda status: order.append("record")), program)
    assert order == [("after", 1, 1), "judge", "record", ("before ack", Ack(), 0), ("after ack", Ack(), 1)]


def test_the_reply_is_sent_when_the_message_is_finished_not_before(consumer, program):
    replies, runs = program.environment.state.replies, []

    def task(x):
        runs.append(dict(replies.kept))
        if len(runs) < 3:
            raise ValueError
        return 0

    go(consumer(task, is_using_rpc_mode=True), program)
    assert runs == [{}, {}, {}]
    sent = json.loads(replies.kept["t"])
    assert (sent["success"], sent["result"], sent["run_times"]) == (True, 0, 3)


@pytest.mark.parametrize(
    ("params", "replied"),
    [({"max_retry_times": 0}, True), ({"max_retry_times": 0, "is_push_to_dlx_queue_when_retry_max_times": True}, True),
     ({"retry_interval": 5}, False)],
)  # fmt: skip
def test_failures_are_told_to_who_waits_once_they_are_final(consumer, program, params, replied):
    go(consumer(failing(ValueError("no")), is_using_rpc_mode=True, **params), program)
    assert ("t" in program.environment.state.replies.kept) is replied


def test_an_error_while_reporting_does_not_keep_the_message(consumer, program, caplog):
    def record(status):
        raise RuntimeError("in the record function")

    go(consumer(user_custom_record_process_info_func=record), program)
    assert len(program.server.acked) == 1
    assert "in the record function" in caplog.text


def test_no_traceback_where_none_is_wanted(consumer, program, caplog):
    go(consumer(failing(ValueError()), max_retry_times=0, is_print_detail_exception=False), program)
    go(consumer(failing(DeadLetterTask())), program)
    assert [record.exc_info for record in caplog.records] == [None, None]
    go(consumer(failing(ValueError()), max_retry_times=0), program)
    assert caplog.records[-1].exc_info


def test_a_plain_success_is_not_worth_a_log_line(consumer, program, caplog):
    go(consumer(is_using_rpc_mode=True), program)
    assert caplog.records == []


def test_judging_without_plugins_is_the_policy(program):
    delivery = program.line(max_retry_times=0).fetched()
    assert judging.judge(delivery, Outcome(1, None, 0, 0, 1)) == Ack()
    assert judging.judge(delivery, Outcome(None, ValueError(), 0, 0, 1)) == Drop("failed 1 time")


# -- beats ----------------------------------------------------------------------------------------------------------------


def test_a_beat_tells_that_it_lives_and_what_it_does(consumer, program):
    made = consumer()
    go(made, program)
    made.intake.finished = 5
    made.beat()
    (info,) = program.environment.state.coordinator.members("q").values()
    assert (info["queue"], info["running"], info["finished"], info["paused"]) == ("q", 0, 5, False)
    other = consumer()
    other.beat()
    assert len(program.environment.state.coordinator.members("q")) == 2


def test_a_beat_reads_the_pause(consumer, program):
    made, coordinator = consumer(), program.environment.state.coordinator
    for value, paused in (("1", True), ("0", False), ("1", True), (None, False)):
        coordinator.set_flag("q", "paused", value)
        made.beat()
        assert made.gate.paused is paused


def test_parked_messages_come_back_when_they_are_due(consumer, program):
    made = consumer(broker_kind="BARE")
    parking, now = program.environment.state.parking, program.clock.time()
    parking.park([Parked(str(number), "q", b"%d" % number, now + number) for number in range(250)])
    parking.park([Parked("other", "other", b"other", now)])
    made.beat()
    assert program.server.bodies("q") == [b"0"]
    program.clock.advance(200)
    made.beat()
    assert program.server.bodies("q") == [b"%d" % number for number in range(201)]
    assert parking.count("q") == 49
    assert parking.count("other") == 1


def test_parked_messages_stay_when_the_broker_refuses_them(consumer, program):
    made = consumer(broker_kind="BARE")
    parking = program.environment.state.parking
    parking.park([Parked("1", "q", b"1", 0)])
    program.server.failing["publish"] = [ConnectionError("away")]
    with pytest.raises(ConnectionError):
        made.beat()
    assert parking.count("q") == 1
    made.beat()
    assert program.server.bodies("q") == [b"1"]


def test_a_beat_tries_again_what_the_broker_refused(consumer, program):
    made = consumer()
    one, two = fetched(made, program), fetched(made, program)
    made.settler.eager = False
    made.settler.ack(one)
    program.server.failing["forward"] = [ConnectionError("away")]
    made.settler.dead_letter(two, "x")
    assert len(made._broker.unacked) == 2
    made.beat()
    assert made._broker.unacked == {}


def test_only_a_tick_of_a_fast_consumer_acknowledges(consumer, program):
    made = consumer()
    made.settler.eager = False
    made.settler.ack(fetched(made, program))
    made.settler.eager = True
    made.tick()
    assert program.server.acked == []
    made.settler.eager = False
    made.tick()
    assert len(program.server.acked) == 1


def test_ending_releases_everything(consumer, program):
    made = consumer()
    made.beat()
    made.stop()
    assert made.drain(5) is True
    made.release()
    assert made._broker.closed
    assert program.environment.state.coordinator.members("q") == {}


def test_a_queue_without_a_function_cannot_be_consumed(program):
    with pytest.raises(ConfigError, match=r"'q' has no function in this process; it can only be published to"):
        Consumer(Task(program.params(), None, program.environment))
