"""The documentation's programs about retries, dead letters and moving queues, rewritten: chapters 4.24 and 4.100.b."""

from __future__ import annotations

import os
import time

import pytest
from funboost import (
    BoosterParams,
    BrokerEnum,
    ExceptionForPushToDlxqueue,
    ExceptionForRequeue,
    boost,
)
from funboost_testing.clock import FakeClock
from started_programs import WAIT

pytestmark = pytest.mark.server
ACK_ABLE = BrokerEnum.REDIS_ACK_ABLE


@pytest.fixture
def dead(on_redis):
    """``dead(queue)``: what a consumer of the queue's dead letters gets."""

    def dead(queue, calls):
        boost(BoosterParams(queue_name=f"{queue}_dlx", broker_kind=ACK_ABLE))(
            lambda a, b: calls.add("dead", a, b)
        ).consume()

    return dead


def test_a_call_that_fails_is_repeated(on_redis, calls):
    """Chapter 4.24: as often as `max_retry_times` says; it stops when one succeeds."""

    @boost(BoosterParams(queue_name="test_queue9", broker_kind=ACK_ABLE, max_retry_times=3, is_using_rpc_mode=True))
    def add(a, b):
        calls.add(a)
        if a == 1 or calls.seen.count((a,)) < 2:
            raise ValueError("may happen")
        return a + b

    results = {a: add.push(a, a * 2) for a in (1, 2, 3)}
    add.consume()
    assert {a: results[a].result for a in (2, 3)} == {2: 6, 3: 9}
    assert not results[1].is_success()
    assert results[1].status_and_result["run_times"] == 4
    assert sorted(calls.seen) == [(1,)] * 4 + [(2,)] * 2 + [(3,)] * 2


def test_back_to_the_queue(on_redis, calls):
    """Chapter 4.24.b: however often, whatever `max_retry_times` says."""

    @boost(
        BoosterParams(
            queue_name="test_rpc_queue", is_using_rpc_mode=True, broker_kind=ACK_ABLE, qps=100, max_retry_times=1
        )
    )
    def add(a, b):
        calls.add(a)
        if calls.seen.count((a,)) < 4:
            raise ExceptionForRequeue("not yet")
        return a + b

    add.consume()
    results = [add.push(a, a * 2) for a in range(3)]
    assert [result.result for result in results] == [0, 3, 6]
    assert sorted(calls.seen) == [(a,) for a in range(3) for _ in range(4)]


def test_to_the_queue_of_dead_letters(on_redis, calls, dead):
    """Chapter 4.24.c: at once, without a retry."""

    @boost(
        BoosterParams(
            queue_name="test_rpc_queue", is_using_rpc_mode=True, broker_kind=ACK_ABLE, qps=100, max_retry_times=5
        )
    )
    def add(a, b):
        calls.add("ran", a, b)
        if a % 2:
            raise ExceptionForPushToDlxqueue("never")

    for a in range(4):
        add.push(a, a * 2)
    add.consume()
    dead("test_rpc_queue", calls)
    ran, letters = [("ran", a, a * 2) for a in range(4)], [("dead", a, a * 2) for a in (1, 3)]
    assert sorted(calls.wait(6)) == sorted(ran + letters)


def test_to_the_queue_of_dead_letters_after_the_last_retry(on_redis, calls, dead):
    """Chapter 4.24.d."""

    @boost(
        BoosterParams(
            queue_name="q", broker_kind=ACK_ABLE, max_retry_times=2, is_push_to_dlx_queue_when_retry_max_times=True
        )
    )
    def add(a, b):
        calls.add("ran", a, b)
        raise ValueError("always")

    add.push(1, 2)
    add.consume()
    dead("q", calls)
    assert calls.wait(4) == [("ran", 1, 2)] * 3 + [("dead", 1, 2)]


MOVE = """
import logging
from funboost import BrokerEnum
from funboost.contrib import queue2queue
from funboost.contrib.queue2queue import consume_and_push_to_another_queue, multi_prcocess_queue2queue

queue2queue.IDLE_MINUTES = 0.1  # a process that was given messages may stand still before it says so

if __name__ == "__main__":
    multi_prcocess_queue2queue([["source", BrokerEnum.RABBITMQ_AMQPSTORM, "target", BrokerEnum.RABBITMQ_AMQPSTORM]],
                               log_level_int=logging.INFO, exit_script_when_finish=True, n=2)
"""


def test_a_queue_is_moved_by_processes(on_rabbitmq, rabbitmq_place, programs, calls):
    """Chapter 4.24.e: the program ends with its exit code once the source is empty."""
    pytest.importorskip("funboost_broker_rabbitmq_amqpstorm", reason="funboost[rabbitmq] is not installed here")

    def f(x):
        calls.add(x)

    source, target = (
        boost(BoosterParams(queue_name=name, broker_kind=BrokerEnum.RABBITMQ_AMQPSTORM))(f)
        for name in ("source", "target")
    )
    for x in range(20):
        source.push(x)
    programs.environ.update(
        FUNBOOST_RABBITMQ_URL=rabbitmq_place.url,
        FUNBOOST_NAMESPACE=rabbitmq_place.namespace,
        FUNBOOST_BEAT_SECONDS="0.1",
    )
    process = programs.start(programs.write("move.py", MOVE))
    output, _ = process.communicate(timeout=WAIT)
    assert process.returncode == (999 if os.name == "nt" else 999 & 0xFF), output
    assert (source.get_message_count(), target.get_message_count()) == (0, 20)
    target.consume()
    assert sorted(calls.wait(20)) == [(x,) for x in range(20)]


def test_a_call_that_takes_too_long_is_stopped_and_repeated(documented, calls):
    """Chapter 4.100.b."""
    clock = documented.clock = FakeClock()

    @boost(
        BoosterParams(
            queue_name="test_timeout",
            concurrent_num=5,
            function_timeout=0.5,
            max_retry_times=1,
            is_using_rpc_mode=True,
        )
    )
    def add(x, y):
        calls.add(x)
        for _ in range(3000 if x % 2 else 1):
            time.sleep(0.01)
        return x + y

    results = [add.push(x, x * 2) for x in range(4)]
    add.consume()
    assert [results[x].result for x in (0, 2)] == [0, 6]
    for begun in (4, 6):
        calls.wait(begun)
        clock.advance(0.51)
    for x in (1, 3):
        status = results[x].status_and_result
        assert (status["success"], status["run_times"]) == (False, 2)
    assert sorted(calls.seen) == [(0,), (1,), (1,), (2,), (3,), (3,)]
