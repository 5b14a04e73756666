"""A hundred thousand messages that wait, and every process killed: ``tox -e chaos -- -rP`` prints the numbers."""

from __future__ import annotations

import parked_story
import pytest
from kill_log import report


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", parked_story.KINDS)
def test_a_hundred_thousand_that_wait_survive_the_death_of_all(tmp_path, kind):
    report(f"waiting, {kind}", parked_story.parked(tmp_path, kind, 100_000, 5))
