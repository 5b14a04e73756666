"""The suites of push brokers over each broken one.  Not collected by itself: `test_broken_push_brokers.py` runs it."""

from __future__ import annotations

import sys

import broken_push_brokers
import pytest
from funboost_testing.brokers import ListenerBrokerSuite, PushBrokerSuite


class Broken:
    patience = 1.5

    def program(self, settings):
        environment = super().program(settings)
        environment.manager.register(broken_push_brokers)
        return environment

    @pytest.fixture
    def cut(self):
        return getattr(broken_push_brokers.BROKEN[self.kind], "cut", None)


for name, cls in broken_push_brokers.BROKEN.items():
    suite = PushBrokerSuite if broken_push_brokers.served(cls) else ListenerBrokerSuite
    vars(sys.modules[__name__])[f"Test{name}"] = type(
        f"Test{name}", (Broken, suite), {"kind": name, "broken": cls, "__module__": __name__}
    )
