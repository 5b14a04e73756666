"""Ten thousand messages that wait survive the death of all processes; a worker's memory does not grow with them."""

from __future__ import annotations

import gc
import time
import tracemalloc
from typing import Any

import parked_story
import pytest
from kill_log import report

from funboost_core import BoosterParams, BrokerSpec, Capability, Environment, TaskOptions, boost, hookimpl


@pytest.mark.parametrize("kind", parked_story.KINDS)
def test_ten_thousand_that_wait_survive_the_death_of_all(tmp_path: Any, kind: str) -> None:
    report(f"waiting, {kind}", parked_story.parked(tmp_path, kind, 10_000, 1))


class Plain:
    """The memory broker without a delay of its own."""

    @hookimpl
    def funboost_brokers(self) -> list[BrokerSpec]:
        from funboost_broker_memory_queue.plugin import funboost_brokers as memory

        (spec,) = memory()
        less = spec.capabilities & ~(Capability.DELAY | Capability.SECOND_QUEUE)
        return [BrokerSpec("MEMORY_PLAIN", spec.factory, less, options=spec.options)]


def test_messages_that_wait_take_no_memory_in_a_worker(tmp_path: Any) -> None:
    settings = {"BROKER_KIND": "MEMORY_PLAIN", "CONCURRENT_MODE": "threading", "STATE_URL": "sqlite://"}
    environment = Environment({**settings, "DATA_DIR": str(tmp_path)})
    environment.manager.register(Plain())
    task = boost(BoosterParams(queue_name="q"), environment=environment)(lambda x, padding: None)
    parking, figures = environment.state.parking, []
    try:
        task.consume()
        tracemalloc.start()
        for count in (1_000, 6_000):
            while parking.count("q") < count:
                for x in range(500):
                    task.publish({"x": x, "padding": "x" * 200}, options=TaskOptions(countdown=3600))
                while task.get_message_count():
                    time.sleep(0.01)
            gc.collect()
            figures.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
        environment.close()
    growth = (figures[1] - figures[0]) / 5_000
    assert growth < 50, f"{growth} bytes for each message, which has 400"
