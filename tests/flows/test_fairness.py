"""Consumers that compete share long tasks evenly, and hold no more than they can start."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from funboost_testing.clock import FakeClock
from rest import Steady

from funboost_core import BoosterParams, Environment, boost

MESSAGES = 80
SECONDS = 0.1
"""On a clock moved by hand: neither is kept from its work by a busy machine."""


@pytest.mark.parametrize("options", [{"pull_msg_batch_size": 1}, {}], ids=["batch of 1", "default batch"])
def test_two_single_thread_consumers_share_evenly(tmp_path: Any, options: dict[str, Any]) -> None:
    counts, clock = [0, 0], FakeClock()
    environments = []

    def consumer(number: int) -> Any:
        environment = Environment(
            {
                "BROKER_KIND": "SQLITE_QUEUE",
                "CONCURRENT_MODE": "single_thread",
                "STATE_URL": "sqlite://",
                "DATA_DIR": str(tmp_path),
            },
            clock=clock,
        )
        environments.append(environment)

        def work(x: int) -> None:
            clock.sleep(SECONDS)
            counts[number] += 1

        return boost(BoosterParams(queue_name="q", broker_exclusive_config=options), environment=environment)(work)

    first, second = consumer(0), consumer(1)
    try:
        first.push_many([{"x": n} for n in range(MESSAGES)])
        first.consume()
        second.consume()
        steady = Steady(environments[0], clock, SECONDS / 10, others=(environments[1],))
        assert steady.until(lambda: sum(counts) == MESSAGES, MESSAGES * SECONDS), counts
    finally:
        for environment in environments:
            environment.close()
    assert abs(counts[0] - MESSAGES / 2) <= 2, counts


def test_a_consumer_of_long_tasks_holds_only_what_it_runs(tmp_path: Any) -> None:
    """With ten threads and the default batch of a hundred: ten are held, the others can be counted as waiting."""
    environment = Environment(
        {"BROKER_KIND": "SQLITE_QUEUE", "CONCURRENT_MODE": "threading", "DATA_DIR": str(tmp_path), "DRAIN_SECONDS": 5}
    )
    release, running, changed = threading.Event(), [0], threading.Condition()

    def work(x: int) -> None:
        with changed:
            running[0] += 1
            changed.notify_all()
        release.wait(30)

    task = boost(BoosterParams(queue_name="q", concurrent_num=10), environment=environment)(work)
    try:
        task.push_many([{"x": n} for n in range(200)])
        task.consume()
        with changed:
            assert changed.wait_for(lambda: running[0] == 10, 30)
        assert task.get_message_count() == 190
    finally:
        release.set()
        environment.close()
