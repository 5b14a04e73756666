"""Three schedulers in three processes, one killed every second: every fire runs exactly once.  At length: tests/chaos."""

from __future__ import annotations

import pytest

pytest.importorskip("apscheduler", reason="APScheduler is not installed: schedules are not tested here")

import schedule_story


def test_every_fire_runs_once_while_schedulers_are_killed(tmp_path):
    result = schedule_story.play(tmp_path, seconds=8, every=1.0)
    assert result["schedules"] == schedule_story.SCHEDULES
    assert result["kills"] >= 5
    assert result["fires"] > 5 * schedule_story.SCHEDULES
    assert (result["lost"], result["ran twice"]) == (0, 0), result


@pytest.mark.server
def test_every_fire_runs_once_while_schedulers_over_redis_are_killed(tmp_path, redis_place):
    pytest.importorskip("funboost_store_redis", reason="the Redis plugins are not installed here")
    result = schedule_story.play(tmp_path, 8, 1.0, "redis", **schedule_story.in_redis(redis_place))
    assert result["schedules"] == schedule_story.SCHEDULES
    assert result["kills"] >= 5
    assert result["fires"] > 5 * schedule_story.SCHEDULES
    assert (result["lost"], result["ran twice"]) == (0, 0), result


def test_the_judge_finds_what_was_lost_and_what_ran_twice():
    ids = [f"q_result:0:2024-01-01T00:00:0{second}Z" for second in (1, 2, 4, 4)]
    assert schedule_story.judge(ids, ids, 0) == {
        "kills": 0,
        "schedules": 1,
        "fires": 3,
        "lost": 1,
        "ran twice": 1,
        "copies dropped": 1,
    }
