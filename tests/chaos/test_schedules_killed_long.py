"""Three schedulers, one killed every few seconds for five minutes: ``tox -e chaos -- -rP`` prints the numbers."""

from __future__ import annotations

import pytest
import schedule_story


@pytest.mark.timeout(600)
def test_every_fire_runs_once_in_five_minutes(tmp_path):
    result = schedule_story.play(tmp_path, seconds=300, every=3.0)
    print(result)
    assert result["schedules"] == schedule_story.SCHEDULES
    assert (result["lost"], result["ran twice"]) == (0, 0), result
    assert result["copies dropped"] > 0, "no kill came between publishing and noting it: the test proves nothing"
