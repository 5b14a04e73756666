"""The scheduler suite catches schedulers that are wrong, and says what is wrong with them."""

from __future__ import annotations

import pytest

pytest.importorskip("apscheduler", reason="APScheduler is not installed: no broken scheduler can be made of it")

from broken_schedulers import BROKEN

SUITES = "broken_scheduler_suites.py"
pytestmark = pytest.mark.timeout(900)  # the first of them runs the suite over all


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_scheduler_is_caught(name, verdict):
    verdict.check(BROKEN[name].names, BROKEN[name].also)
