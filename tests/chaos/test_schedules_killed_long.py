"""Three schedulers, one killed every few seconds for five minutes: ``tox -e chaos -- -rP`` prints the numbers."""

from __future__ import annotations

import pytest
import schedule_story


@pytest.mark.timeout(600)
def test_every_fire_runs_once_in_five_minutes(tmp_path):
    _judge(schedule_story.play(tmp_path, seconds=300, every=3.0, copies=1))


@pytest.mark.server
@pytest.mark.timeout(600)
def test_every_fire_over_redis_runs_once_in_five_minutes(tmp_path, redis_place):
    pytest.importorskip("funboost_store_redis", reason="the Redis plugins are not installed here")
    _judge(schedule_story.play(tmp_path, 300, 3.0, "redis", copies=1, **schedule_story.in_redis(redis_place)))


def _judge(result):
    print(result)
    assert result["schedules"] == schedule_story.SCHEDULES
    assert (result["lost"], result["ran twice"]) == (0, 0), result
    assert result["copies dropped"] > 0, "no kill came between publishing and noting it: the test proves nothing"
