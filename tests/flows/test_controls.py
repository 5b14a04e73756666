"""Every control of the first slice, in every pool, over memory and SQLite."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest
from funboost_testing.clock import FakeClock
from rest import Steady

from funboost_core import (
    AsyncResult,
    BoosterParams,
    DeadLetterTask,
    RequeueTask,
    ResultError,
    ResultTimeout,
    SignatureError,
    TaskOptions,
    boost,
    fct,
    redrive,
)
from funboost_core.ports.broker import PullBroker
from funboost_core.task import Task

from .conftest import Story, make_environment


def letters(story: Any, queue: str = "story_dlx") -> list[dict[str, Any]]:
    """The dead letters, taken out of their queue."""
    broker = Task(BoosterParams(queue_name=queue), None, story.environment).make_broker()
    assert isinstance(broker, PullBroker)
    broker.listen()
    deliveries = broker.fetch(100, 0)
    broker.ack(deliveries)
    broker.close()
    return [d.body if isinstance(d.body, dict) else json.loads(d.body) for d in deliveries]


def test_push_runs_with_the_arguments_of_the_call(story):
    def add(x, y=2):
        story.note((x, y))

    task = story.task(add)
    task.push(1)
    task.push(1, y=3)
    task.publish({"x": 5})
    task.publish('{"x": 6, "y": 7}')
    task.push_many([{"x": 8}, {"x": 9, "y": 1}])
    task.send_msg('{"x": 10}')
    task.consume()
    assert sorted(story.wait_for(7)) == [(1, 2), (1, 3), (5, 2), (6, 7), (8, 2), (9, 1), (10, 2)]
    story.until(lambda: task.get_message_count() == 0)


def test_a_wrong_call_is_refused_where_it_is_published(story):
    task = story.task(lambda x: None)
    for call in (lambda: task.push(), lambda: task.push(1, 2), lambda: task.publish({"y": 1})):
        with pytest.raises(SignatureError):
            call()
    assert task.get_message_count() == 0


@pytest.mark.parametrize("interval", [0, 0.01])
def test_a_failing_message_runs_max_retry_times_plus_one(story, interval):
    def fail(x):
        story.note(x)
        raise ValueError("no")

    task = story.task(
        fail,
        max_retry_times=2,
        retry_interval=interval,
        is_push_to_dlx_queue_when_retry_max_times=True,
        is_print_detail_exception=False,
    )
    task.push(7)
    task.consume()
    story.wait_for(3)
    dead = []
    story.until(lambda: bool(dead.extend(letters(story)) or dead))
    assert story.seen == [7, 7, 7]
    about = dead[0]["extra"]["dead_letter"]
    assert dead[0]["x"] == 7
    assert (about["reason"], about["attempts"], about["error"]) == ("failed 3 times", 3, "ValueError: no")
    assert task.get_message_count() == 0


def test_a_message_overrides_the_tasks_controls_with_falsy_values(story):
    def fail(x):
        story.note(x)
        raise ValueError("no")

    task = story.task(fail, max_retry_times=5, is_print_detail_exception=False)
    task.publish({"x": 1}, options=TaskOptions(max_retry_times=0))
    task.publish({"x": 2}, options=TaskOptions(max_retry_times=1))
    task.consume()
    story.wait_for(3)
    story.until(lambda: task.get_message_count() == 0)
    assert sorted(story.seen) == [1, 2, 2]


def test_a_retry_that_succeeds_is_done(story):
    def flaky(x):
        story.note(x)
        if len(story.seen) < 3:
            raise ValueError("not yet")

    task = story.task(flaky, is_print_detail_exception=False)
    result = task.publish({"x": 1}, options=TaskOptions(is_using_rpc_mode=True))
    task.consume()
    status = result.set_timeout(45).status_and_result
    assert (status["success"], status["run_times"]) == (True, 3)
    assert letters(story) == []


def test_requeue_and_dead_letter_by_exception(story):
    def decide(x):
        story.note(x)
        if x == "back" and story.seen.count("back") < 3:
            raise RequeueTask
        if x == "dead":
            raise DeadLetterTask

    task = story.task(decide, max_retry_times=0)
    task.push("back")
    task.push("dead")
    task.consume()
    story.wait_for(4)
    dead = []
    story.until(lambda: bool(dead.extend(letters(story)) or dead))
    assert sorted(story.seen) == ["back", "back", "back", "dead"]
    assert dead[0]["extra"]["dead_letter"]["reason"] == "the task asked for it"


def test_expired_messages_are_skipped(story):
    def run(x):
        story.note(x)

    task = story.task(run, msg_expire_seconds=10_000)
    now = story.environment.clock.time()
    task.publish({"x": "old", "extra": {"publish_time": now - 10_001}})
    task.publish({"x": "new", "extra": {"publish_time": now - 9_900}})
    task.publish({"x": "patient", "extra": {"publish_time": now - 10_001, "msg_expire_seconds": 100_000}})
    task.publish({"x": "last"})
    task.consume()
    assert sorted(story.wait_for(3)) == ["last", "new", "patient"]
    story.until(lambda: task.get_message_count() == 0)


def test_fct_tells_about_the_running_task(story):
    def helper():
        return fct.task_id, fct.queue_name, fct.function_params, fct.full_msg["extra"]["task_id"]

    def run(x):
        story.note(helper())
        threading.Thread(target=fct.bind(lambda: story.note(helper()))).start()

    task = story.task(run)
    first, second = task.push(1), task.push(2)
    task.consume()
    expected = {(r.task_id, "story", x) for r, x in ((first, 1), (second, 2))}
    assert {(i, q, p["x"]) for i, q, p, full in story.wait_for(4) if full == i} == expected
    with pytest.raises(LookupError):
        _ = fct.task_id


def test_rpc_sends_results_and_failures_back(story):
    def div(x, y):
        return x / y

    task = story.task(div, is_using_rpc_mode=True, max_retry_times=0, is_print_detail_exception=False)
    good, bad = task.push(6, y=3), task.push(1, y=0)
    assert good.is_pending()
    task.consume()
    assert good.result == 2
    assert good.result == 2
    assert good.is_success() and good.status_and_result["run_status"] == "finish"
    assert not bad.is_success() and bad.result == "FUNC_RUN_ERROR"
    with pytest.raises(ResultError):
        bad.wait_rpc_data_or_raise()
    with pytest.raises(ResultTimeout):
        _ = AsyncResult("nobody sends this", 0.01, story.environment).result


def test_a_result_nobody_asked_for_is_an_error_at_once(story):
    task = story.task(lambda x: x)
    with pytest.raises(ResultError, match="is_using_rpc_mode"):
        _ = task.push(1).result


def test_pause_and_continue(story):
    task = story.task(lambda x: story.note(x))
    task.consume()
    task.push(1)
    story.wait_for(1)
    task.pause_consume()
    task.push(2)
    story.until(lambda: all(c.gate.paused for c in story.environment.worker.consumers()))
    story.until(lambda: task.get_message_count() == 1)
    assert story.seen == [1]
    task.continue_consume()
    assert story.wait_for(2) == [1, 2]


def test_count_and_clear(story):
    task = story.task(lambda x: None)
    task.push_many([{"x": n} for n in range(5)])
    assert task.get_message_count() == 5
    task.clear()
    assert task.get_message_count() == 0


BAD = {
    "not JSON": b"{",
    "no object": b"[1, 2]",
    "wrong keys": b'{"z": 1}',
    "missing keys": b"{}",
    "NUL bytes": b"\x00\x00",
    "invalid UTF-8": b'{"x": "\xff"}',
    "too large": b'{"x": "' + b"a" * 1000 + b'"}',
    "bad extra": b'{"x": 1, "extra": 5}',
    "bad control": b'{"x": 1, "extra": {"max_retry_times": "many", "a": 1, "b": 2, "c": 3}}',
}


def test_bad_messages_become_dead_letters_and_the_consumer_goes_on(story):
    task = story.task(lambda x: story.note(x), max_message_bytes=900)
    for body in BAD.values():
        task.send_msg(body)
    task.send_msg('{"x": "good"}')
    task.consume()
    assert story.wait_for(1) == ["good"]
    dead: list[Any] = []
    story.until(lambda: dead.extend(letters(story)) or len(dead) == len(BAD))
    assert all(letter["extra"]["dead_letter"]["reason"] for letter in dead)
    assert task.get_message_count() == 0


def test_redrive_restores_the_exact_bytes(story):
    task = story.task(lambda x: story.note(x))
    bodies = [b"{", b"\x00\xff not json", b'{"x": "\xff"}']
    for body in bodies:
        task.send_msg(body)
    task.consume()
    broker = story.environment.worker.consumers()[0]
    story.until(lambda: task.get_message_count() == 0 and broker.intake.finished == 0)
    story.until(lambda: _count(story, "story_dlx") == 3)
    story.environment.worker.stop()
    assert redrive("story", environment=story.environment) == 3
    queue = Task(BoosterParams(queue_name="story"), None, story.environment).make_broker()
    assert isinstance(queue, PullBroker)
    queue.listen()
    assert sorted(bytes(d.body) for d in queue.fetch(10, 0)) == sorted(bodies)
    queue.close()
    assert _count(story, "story_dlx") == 0


def _count(story: Any, queue: str) -> int:
    broker = Task(BoosterParams(queue_name=queue), None, story.environment).make_broker()
    try:
        return broker.count()
    finally:
        broker.close()


def test_stopping_gives_back_what_was_fetched_and_finishes_what_runs(story):
    started, release = threading.Event(), threading.Event()

    def slow(x):
        story.note(x)
        started.set()
        release.wait(40)

    task = story.task(slow, concurrent_num=1)
    task.push_many([{"x": n} for n in range(10)])
    task.consume()
    assert started.wait(40)
    (consumer,) = story.environment.worker.consumers()
    stop = consumer.stop
    consumer.stop = lambda: (stop(), release.set())  # it ends once nothing more is started
    assert story.environment.worker.stop()
    assert len(story.seen) == 1
    assert task.get_message_count() == 9
    task.consume()
    story.wait_for(10)
    assert sorted(story.seen) == list(range(10))


def test_the_number_of_runs_at_once_is_a_hard_limit(story):
    if story.pool == "asyncio":
        import asyncio

        async def run(x):
            await measure.arun(asyncio)
    else:

        def run(x):
            measure.run()

    measure = Overlap(1 if story.pool == "single_thread" else 7)
    task = boost(BoosterParams(queue_name="story", concurrent_num=7), environment=story.environment)(run)
    task.push_many([{"x": n} for n in range(70)])
    task.consume()
    story.until(lambda: measure.done == 70)
    assert measure.most == measure.enough


class Overlap:
    """Counts how many run at once; each stays until enough others have come, and a moment longer for one too many."""

    def __init__(self, enough: int) -> None:
        self.enough = enough
        self.now = self.most = self.done = 0
        self._lock = threading.Lock()
        self._met = threading.Event()

    def _enter(self) -> None:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
            if self.most >= self.enough:
                self._met.set()

    def _leave(self) -> None:
        with self._lock:
            self.now -= 1
            self.done += 1

    def run(self) -> None:
        self._enter()
        self._met.wait(40)
        threading.Event().wait(0.02)
        self._leave()

    async def arun(self, asyncio: Any) -> None:
        self._enter()
        for _ in range(8000):
            if self._met.is_set():
                break
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.02)
        self._leave()


def test_a_second_consume_only_warns(story, caplog):
    task = story.task(lambda x: story.note(x))
    task.consume()
    task.consume()
    assert "already" in caplog.text
    task.push(1)
    story.wait_for(1)
    assert len(story.environment.worker.consumers()) == 1


def test_auto_start(story):
    task = story.task(lambda x: story.note(x), is_auto_start_consuming_message=True)
    task.push(1)
    assert story.wait_for(1) == [1]


def test_waiting_until_all_is_done(tmp_path, broker, pool):
    """The time passes only when all threads wait for it: one that stands still with a message in hand is not seen."""
    clock = FakeClock()
    environment = make_environment(tmp_path, broker, pool, clock)
    story, steady = Story(environment, pool), Steady(environment, clock, 0.03, lambda: -1)  # and who waits here

    def run(x):
        if pool != "asyncio":  # it would block the loop
            clock.sleep(1)
        story.note(x)

    task = story.task(run)
    task.push_many([{"x": n} for n in range(20)])
    task.consume()
    waiting = threading.Thread(target=task.wait_for_possible_has_finish_all_tasks, args=(0.3 / 60,))
    waiting.start()
    while waiting.is_alive():
        if steady.quiet and steady.quiet:
            clock.advance(0.03)
        time.sleep(0.001)
    assert len(story.seen) == 20
    environment.close()
    with pytest.raises(ValueError, match="minutes"):
        task.wait_for_possible_has_finish_all_tasks(0)


def test_countdown_waits_in_the_broker(story):
    clock = story.environment.clock
    task = story.task(lambda x: story.note((x, clock.time() - fct.full_msg["extra"]["publish_time"])))
    task.publish({"x": "later"}, options=TaskOptions(countdown=0.3))
    task.publish({"x": "now"})
    task.consume()
    waited = dict(story.wait_for(2))
    assert waited["later"] >= 0.299
    assert waited["now"] >= 0


def test_the_decorator_wraps_runs_only(story):
    def deco(function):
        def call(**arguments):
            story.note("before")
            return function(**arguments)

        return call

    task = story.task(lambda x: story.note(x), consuming_function_decorator=deco)
    task.push(1)
    task.consume()
    assert story.wait_for(2) == ["before", 1]


def test_the_record_function_hears_of_each_message_once(story):
    def run(x):
        if x < 0:
            raise ValueError("negative")
        return x * 2

    def record(status):
        story.note((status.params["x"], status.success, status.result, status.run_times))
        raise RuntimeError("a hook that fails")

    task = story.task(
        run, user_custom_record_process_info_func=record, max_retry_times=1, is_print_detail_exception=False
    )
    task.push(4)
    task.push(-1)
    task.consume()
    assert sorted(story.wait_for(2)) == [(-1, False, "FUNC_RUN_ERROR", 2), (4, True, 8, 1)]
    story.until(lambda: task.get_message_count() == 0)


def test_aio_push_from_a_coroutine(story):
    import asyncio

    task = story.task(lambda x, y: x + y, is_using_rpc_mode=True)
    task.consume()

    async def publish() -> Any:
        first = await task.aio_push(1, y=2)
        second = await task.aio_publish({"x": 3, "y": 4})
        return await first.result, await second.get(), await second.is_success()

    assert asyncio.run(publish()) == (3, 7, True)


def test_priority_runs_first(story):
    task = story.task(lambda x: story.note(x), concurrent_num=1)
    for x, priority in (("low", 1), ("none", 0), ("high", 5)):
        task.publish({"x": x}, options=TaskOptions(priority=priority))
    task.consume()
    story.wait_for(3)
    if story.pool != "asyncio":
        assert story.seen == ["high", "low", "none"]


def test_a_retry_sees_the_arguments_as_they_were_published(story):
    if story.environment.settings("BROKER_KIND") == "MEMORY_QUEUE":
        pytest.skip("objects are passed as they are, changes included")

    def spoil(x):
        story.note(list(x))
        x.pop()
        raise ValueError("no")

    task = story.task(spoil, max_retry_times=1, retry_interval=0.01, is_print_detail_exception=False)
    task.push([1, 2, 3])
    task.publish({"x": [4, 5]}, options=TaskOptions(max_retry_times=1))
    task.consume()
    assert sorted(story.wait_for(4)) == [[1, 2, 3], [1, 2, 3], [4, 5], [4, 5]]
