"""Brokers whose loop a user writes, in every mode of this distribution: nothing is taken ahead, nothing is lost."""

from __future__ import annotations

import itertools
import json
import threading

import pytest
from funboost import (
    BoosterParams,
    BrokerEnum,
    boost,
    fct,
)
from overriding_classes import MODES, PAIRS, declare, of, source, stacks

from funboost_core.errors import ConfigError

WAIT = 40


# -- the documented ones --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("how", ["override", "registered"])
@pytest.mark.parametrize("pair", PAIRS)
def test_from_push_to_acknowledgement(pair, how, mode, queue, environment, calls):
    f = declare(environment, queue, pair, lambda x: calls.add(x), how, mode, concurrent_num=10)
    for x in range(20):
        f.publish({"x": x})
    assert f.get_message_count() == f.publisher.get_message_count() == 20
    f.consume()
    f.send_msg('{"x": 20}')  # of another program: no extra
    assert sorted(calls.wait(21)) == [(x,) for x in range(21)]
    assert environment.worker.stop()
    assert f.get_message_count() == 0
    if pair == "stack":
        assert len(stacks[queue].acknowledged) == 21
        assert stacks[queue].taken == {}


def test_last_in_first_out(queue, environment, calls):
    f = declare(environment, queue, "stack", lambda x: calls.add(x), "registered", "single_thread")
    for x in range(5):
        f.push(x)
    f.consume()
    assert calls.wait(5) == [(x,) for x in (4, 3, 2, 1, 0)]


def test_clear_and_options_of_the_own_broker(queue, environment, caplog):
    f = declare(environment, queue, "stack", lambda x: None, broker_exclusive_config={"suffix": "-b", "sufix": 1})
    f.push(1)
    assert len(stacks[queue + "-b"].waiting) == 1
    assert f.consumer.consumer_params.broker_exclusive_config["suffix"] == "-b"
    f.clear()
    assert f.publisher.get_message_count() == 0
    assert "Did you mean 'suffix'?" in caplog.text
    assert f.consumer.BROKER_KIND == f.publisher.BROKER_KIND == BrokerEnum.EMPTY
    assert type(f.consumer).__name__ == "AbstractConsumer__StackConsumer"


# -- what a loop may count on -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_nothing_is_taken_that_cannot_start(mode, queue, environment, calls):
    """With three permits three run, and the loop waits with the fourth in its hand."""
    limit = 1 if mode == "single_thread" else 3
    submitted, release = [], threading.Event()
    stuck = threading.Event()

    def loop(self):
        for x in range(10):
            if x == limit:
                stuck.set()
            self._submit_task({"body": {"x": x}})
            submitted.append(x)
        threading.Event().wait()

    if mode == "async":

        async def f(x):
            import asyncio

            calls.add(x)
            while not release.is_set():
                await asyncio.sleep(0.001)
    else:

        def f(x):
            calls.add(x)
            assert release.wait(WAIT)

    task = of(source(loop=loop), environment, queue, f, concurrent_mode=mode, concurrent_num=limit)
    task.consume()
    calls.wait(limit)
    assert stuck.wait(WAIT)
    held = environment.worker.consumer(queue)._broker.hand_over
    with held._changed:
        assert held._changed.wait_for(lambda: held._offers, WAIT)
    assert submitted == list(range(limit))
    assert len(calls.seen) == limit
    release.set()
    assert sorted(calls.wait(10)) == [(x,) for x in range(10)]


def test_pausing_holds_the_loop(queue, environment, calls):
    f = declare(environment, queue, "stack", lambda x: calls.add(x), "override", "single_thread")
    f.consume()
    f.push(0)
    calls.wait(1)
    f.consumer.pause_consume()
    consumer = environment.worker.consumer(queue)
    while not consumer.gate.paused:  # the order travels with the beat
        threading.Event().wait(0.005)
    f.push(1)
    hand_over = consumer._broker.hand_over
    with hand_over._changed:  # a fetch that was under way may have taken it once, and has put it back
        assert hand_over._changed.wait_for(lambda: hand_over._offers or len(calls.seen) > 1, WAIT)
    assert calls.seen == [(0,)]
    f.consumer.continue_consume()
    assert calls.wait(2) == [(0,), (1,)]


@pytest.mark.parametrize("body", ['{"x": 1}', b'{"x": 1}', bytearray(b'{"x": 1}'), {"x": 1}])
def test_text_bytes_and_dicts_are_taken(body, queue, environment, calls):
    def loop(self):
        self._submit_task({"body": body})
        threading.Event().wait()

    f = of(source(loop=loop), environment, queue, lambda x: calls.add(x, fct.full_msg["extra"]["is_auto_fill_extra"]))
    f.consume()
    assert calls.wait(1) == [(1, True)]


def test_a_loop_that_raises_or_returns_is_called_again(queue, environment, calls, caplog):
    from funboost_testing.clock import FakeClock

    clock = environment.clock = FakeClock()
    rounds = []

    def loop(self):
        rounds.append(1)
        if len(rounds) == 1:
            raise OSError("the server is away")
        if len(rounds) == 2:
            self._submit_task({"body": 5})  # a defect of the loop's
        if len(rounds) == 3:
            return
        self._submit_task({"body": {"x": len(rounds)}})
        threading.Event().wait()

    f = of(source(loop=loop), environment, queue, lambda x: calls.add(x), concurrent_mode="single_thread")
    f.consume()
    for number in (1, 2, 3):
        while len(rounds) <= number:
            threading.Event().wait(0.002)
            clock.advance(0.1)
    assert calls.wait(1) == [(4,)]
    assert "the server is away" in caplog.text
    assert "_submit_task takes" in caplog.text
    assert "the loop that takes messages returned; once more in 1 s" in caplog.text


def test_stopping_ends_the_loop_and_gives_back_what_it_has_in_hand(queue, environment, calls):
    requeued, ended = [], threading.Event()
    running, release = threading.Event(), threading.Event()

    def loop(self):
        try:
            for x in range(5):
                try:
                    self._submit_task({"body": json.dumps({"x": x}), "own": x})
                except Exception:
                    calls.add("caught")
        finally:
            ended.set()

    def f(x):
        running.set()
        assert release.wait(WAIT)
        calls.add(x)

    task = of(source(requeued, loop=loop), environment, queue, f, concurrent_num=1)
    task.consume()
    assert running.wait(WAIT)
    hand_over = environment.worker.consumer(queue)._broker.hand_over
    with hand_over._changed:
        assert hand_over._changed.wait_for(lambda: hand_over._offers, WAIT)
    consumer = environment.worker.consumer(queue)

    def release_it():
        while not consumer.gate.stopped:
            threading.Event().wait(0.002)
        release.set()

    thread = threading.Thread(target=release_it)
    thread.start()
    assert environment.worker.stop()
    thread.join(WAIT)
    assert ended.wait(WAIT)
    assert calls.seen == [(0,)]
    ((kw),) = requeued
    assert (kw["body"]["x"], kw["own"], kw["function_only_params"]) == (1, 1, {"x": 1})
    assert kw["body"]["extra"]["task_id"].startswith(queue)


def test_a_loop_of_an_earlier_consumer_does_not_feed_the_next(queue, environment, calls):
    go, requeued = [threading.Event(), threading.Event()], []
    begun, numbers = threading.Semaphore(0), itertools.count()

    def loop(self):
        number = next(numbers)
        begun.release()
        assert go[number].wait(WAIT)
        self._submit_task({"body": {"x": number}})
        threading.Event().wait()

    f = of(source(requeued, loop=loop), environment, queue, lambda x: calls.add(x))
    f.consume()
    assert begun.acquire(timeout=WAIT)
    environment.worker.stop()
    f.consume()
    go[0].set()
    while not requeued:
        threading.Event().wait(0.002)
    go[1].set()
    assert calls.wait(1) == [(1,)]
    assert requeued[0]["body"]["x"] == 0


def test_submitting_without_a_loop_says_so(environment):
    f = boost(BoosterParams(queue_name="q"), environment=environment)(lambda x: x)
    with pytest.raises(ConfigError, match="Call it in _dispatch_task"):
        f.consumer._submit_task({"body": "{}"})
