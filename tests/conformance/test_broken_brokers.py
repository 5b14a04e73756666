"""The suite of pull brokers catches brokers that are wrong, and says what is wrong with them."""

from __future__ import annotations

import pytest
from broken_brokers import BROKEN

SUITES = "broken_broker_suites.py"
pytestmark = pytest.mark.timeout(900)  # the first of them runs the suite over all


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_broker_is_caught(name, verdict):
    verdict.check(BROKEN[name].names, BROKEN[name].also)
