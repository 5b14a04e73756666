"""Who waits for a result is told at once when there will be none; what cannot work is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from funboost_core import BoosterParams, ConfigError, DeadLetterTask, Environment, Skip, boost, hookimpl


class NoThirteen:
    """A plugin that skips a message."""

    @hookimpl
    def funboost_admit(self, delivery: Any) -> Any:
        return Skip("unlucky") if delivery.arguments.get("x") == 13 else None


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({"x": 1, "extra": {"publish_time": 1.0}}, "expired"),
        ({"x": 13}, "unlucky"),
        ({"x": 1, "z": 2}, "unknown: z"),
        ({"x": 99}, ""),
        ({"x": 1, "extra": {"function_timeout": 5}}, "not available yet"),
    ],
)
def test_a_waiting_publisher_is_told(story, message, reason):
    def run(x):
        if x == 99:
            raise DeadLetterTask

    task = story.task(
        run,
        is_using_rpc_mode=True,
        msg_expire_seconds=1000,
        hooks=[NoThirteen()],
        should_check_publish_func_params=False,
    )
    result = task.publish(message)
    task.consume()
    status = result.set_timeout(20).status_and_result
    assert status is not None, "nobody told the waiting publisher"
    assert not status["success"]
    assert reason in status["exception"]


def test_state_of_one_process_is_refused_for_several(tmp_path):
    environment = Environment(
        {
            "BROKER_KIND": "SQLITE_QUEUE",
            "CONCURRENT_MODE": "threading",
            "STATE_URL": "memory://",
            "DATA_DIR": str(tmp_path),
        }
    )
    task = boost(BoosterParams(queue_name="q"), environment=environment)(lambda x: x)
    with pytest.raises(ConfigError, match=r"memory://.*one process"):
        task.multi_process_consume(2)
    environment.close()
