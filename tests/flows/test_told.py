"""Who waits for a result is told at once when there will be none; what cannot work is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from funboost_core import (
    BoosterParams,
    ConfigError,
    DeadLetterTask,
    Drop,
    Environment,
    Skip,
    boost,
    hookimpl,
)
from funboost_core.consuming import kills


class NoThirteen:
    """A plugin that skips a message."""

    @hookimpl
    def funboost_admit(self, delivery: Any) -> Any:
        return Skip("unlucky") if delivery.arguments.get("x") == 13 else None


class GivesUp:
    """A plugin that gives up what has failed."""

    @hookimpl
    def funboost_judge(self, outcome: Any) -> Any:
        return Drop("no patience") if outcome.error is not None else None


def past(**extra: Any) -> dict[str, Any]:
    """An extra of long ago."""
    return {"publish_time": 1.0, "publish_time_format": "1970-01-01 00:00:01", **extra}


TOLD = {
    "expired": ({"x": 1, "extra": past(msg_expire_seconds=1000)}, {}, "expired"),
    "skipped by a plugin": ({"x": 13}, {"hooks": [NoThirteen()]}, "unlucky"),
    "bad arguments": ({"x": 1, "z": 2}, {}, "unknown: z"),
    "too late": ({"x": 1, "extra": past(countdown=1, misfire_grace_time=5)}, {}, "misfire_grace_time is 5"),
    "an override that cannot be": ({"x": 1, "extra": {"function_timeout": "soon"}}, {}, "cannot be used"),
    "sent to the dead letters": ({"x": 99}, {}, "DeadLetterTask"),
    "failed for good": ({"x": 98}, {"max_retry_times": 1}, "KeyError"),
    "failed for good, to the dead letters": (
        {"x": 98},
        {"max_retry_times": 0, "is_push_to_dlx_queue_when_retry_max_times": True},
        "KeyError",
    ),
    "given up by a plugin": ({"x": 98}, {"hooks": [GivesUp()]}, "KeyError"),
}


def work(x):
    if x == 99:
        raise DeadLetterTask
    if x == 98:
        raise KeyError(x)


@pytest.mark.parametrize("asked_by", ["task", "message"])
@pytest.mark.parametrize("case", TOLD)
def test_a_waiting_publisher_is_told(story, case, asked_by):
    message, params, reason = TOLD[case]
    task = story.task(
        work,
        is_using_rpc_mode=asked_by == "task",
        should_check_publish_func_params=False,
        is_print_detail_exception=False,
        **params,
    )
    if asked_by == "message":
        message = {**message, "extra": {**message.get("extra", {}), "is_using_rpc_mode": True}}
    result = task.publish(message)
    task.consume()
    told(result, reason)


def told(result, reason):
    status = result.set_timeout(45).status_and_result
    assert status is not None, "nobody told the waiting publisher"
    assert not status["success"]
    assert reason in status["exception"]


def test_who_waits_for_a_killed_task_is_told(story):
    task = story.task(work, is_using_rpc_mode=True, is_support_remote_kill_task=True)
    result = task.push(1)
    kills.order(story.environment, task.task.queue, result.task_id)
    task.consume()
    told(result, "it was killed")


def test_who_waits_for_an_equal_message_is_told(story):
    task = story.task(work, is_using_rpc_mode=True, do_task_filtering=True)
    first, second = task.push(1), task.push(1)
    task.consume()
    statuses = [result.set_timeout(45).status_and_result for result in (first, second)]
    assert sorted(status["success"] for status in statuses) == [False, True]
    (skipped,) = (status for status in statuses if not status["success"])
    assert "an equal one has succeeded" in skipped["exception"]


@pytest.mark.parametrize("params", [{"unique": "while_queued"}, {"throttle_seconds": 60}], ids=str)
def test_who_pushes_what_is_held_back_gets_the_result_of_the_other(story, params):
    task = story.task(work, is_using_rpc_mode=True, **params)
    first, second = task.push(1), task.push(1)
    assert first.task_id == second.task_id
    task.consume()
    assert second.set_timeout(45).is_success()


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
