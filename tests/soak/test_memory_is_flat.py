"""Memory stays flat while millions of messages pass: successes, failures, retries, dead letters, replies.

`tox -e soak` runs each for FUNBOOST_TEST_SOAK_SECONDS (600 by default).  What is asserted is growth, as a ratio of the
memory after a warm-up, not a figure of this machine.
"""

from __future__ import annotations

import gc
import os
import time
import tracemalloc
from typing import Any

import pytest

from funboost_core import BoosterParams, DeadLetterTask, Environment, TaskOptions, boost
from funboost_core.recycling import memory_mb

SECONDS = float(os.environ.get("FUNBOOST_TEST_SOAK_SECONDS", "600"))
BATCH = 500


@pytest.fixture(params=["MEMORY_QUEUE", "SQLITE_QUEUE"])
def environment(request: pytest.FixtureRequest, tmp_path: Any) -> Any:
    environment = Environment(
        {
            "BROKER_KIND": request.param,
            "CONCURRENT_MODE": "threading",
            "STATE_URL": "memory://" if request.param == "MEMORY_QUEUE" else "sqlite://",
            "DATA_DIR": str(tmp_path),
        }
    )
    yield environment
    environment.close()


@pytest.mark.timeout(SECONDS + 120)
def test_memory_is_flat(environment: Environment) -> None:
    runs: dict[str, int] = {"ok": 0, "failed": 0, "dead": 0}

    def work(x: int, padding: str) -> int:
        if x % 50 == 1:
            runs["failed"] += 1
            raise ValueError(f"one of many {x}")
        if x % 500 == 2:
            runs["dead"] += 1
            raise DeadLetterTask
        runs["ok"] += 1
        return x

    params = BoosterParams(
        queue_name="soak", max_retry_times=1, is_print_detail_exception=False, rpc_result_expire_seconds=2, log_level=60
    )
    task = boost(params, environment=environment)(work)
    dead = boost(BoosterParams(queue_name="soak_dlx"), environment=environment)(lambda x, padding: None)
    task.consume()
    dead.consume()

    def pass_some(begin: int) -> int:
        task.push_many([{"x": n, "padding": "x" * 200} for n in range(begin, begin + BATCH)])
        replies = [
            task.publish({"x": n * 500, "padding": ""}, options=TaskOptions(is_using_rpc_mode=True, countdown=0))
            for n in range(5)
        ]
        assert [reply.result for reply in replies] == [n * 500 for n in range(5)]
        while task.get_message_count() > 4 * BATCH:
            time.sleep(0.01)
        return begin + BATCH

    def measure() -> tuple[float, float]:
        while task.get_message_count() or dead.get_message_count():
            time.sleep(0.01)
        gc.collect()
        return tracemalloc.get_traced_memory()[0] / 1e6, memory_mb()

    tracemalloc.start()
    try:
        n, begun = 0, time.monotonic()
        while time.monotonic() - begun < SECONDS / 4:
            n = pass_some(n)
        warm, warm_size = measure()
        middle = n
        while time.monotonic() - begun < SECONDS:
            n = pass_some(n)
        traced, size = measure()
    finally:
        tracemalloc.stop()
    print(f"\n{n} messages: {warm:.2f} -> {traced:.2f} MB traced, {warm_size:.0f} -> {size:.0f} MB in all")
    assert n > 2 * middle or middle > 100 * BATCH
    assert traced < 1.25 * warm + 1, f"{traced - warm:.2f} MB more after {n - middle} further messages"
    assert size < 1.25 * warm_size + 10
    assert runs["dead"] > 0
    assert runs["failed"] > 0
