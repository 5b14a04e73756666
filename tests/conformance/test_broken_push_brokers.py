"""The suites of push brokers catch brokers that are wrong, and say what is wrong with them."""

from __future__ import annotations

import pytest
from broken_push_brokers import BROKEN

SUITES = "broken_push_broker_suites.py"
pytestmark = pytest.mark.timeout(900)  # the first of them runs the suite over all


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_push_broker_is_caught(name, verdict):
    verdict.check(BROKEN[name].names, getattr(BROKEN[name], "also", ()))
