"""The suite of pull brokers passes a log that is right, and catches those that are wrong."""

from __future__ import annotations

import log_broker
import pytest
from funboost_testing.brokers import PullBrokerSuite
from log_broker import BROKEN

SUITES = "broken_log_suites.py"
pytestmark = pytest.mark.timeout(900)  # the first of them runs the suite over all


class TestLogBroker(PullBrokerSuite):
    kind = "LogBroker"

    def program(self, settings):
        environment = super().program(settings)
        environment.manager.register(log_broker)
        return environment


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_log_is_caught(name, verdict):
    verdict.check(BROKEN[name].names, BROKEN[name].also)
