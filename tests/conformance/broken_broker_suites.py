"""The suite of pull brokers over each broken one.  Not collected by itself: `test_broken_brokers.py` runs it."""

from __future__ import annotations

import sys

import broken_brokers
import pytest
from funboost_testing.brokers import PullBrokerSuite


class Suite(PullBrokerSuite):
    patience = 1.5

    def program(self, settings):
        environment = super().program(settings)
        if not self.plugins:
            environment.manager.register(broken_brokers)
        return environment

    @pytest.fixture
    def cut(self):
        return getattr(broken_brokers.BROKEN[self.kind], "cut", None)


for name, cls in broken_brokers.BROKEN.items():
    vars(sys.modules[__name__])[f"Test{name}"] = type(
        f"Test{name}", (Suite,), {"kind": name, "broken": cls, "plugins": cls.plugins, "__module__": __name__}
    )
