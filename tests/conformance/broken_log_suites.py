"""The suite of pull brokers over each broken log.  Not collected by itself: `test_broken_logs.py` runs it."""

from __future__ import annotations

import sys

import log_broker
from funboost_testing.brokers import PullBrokerSuite


class Suite(PullBrokerSuite):
    patience = 1.5

    def program(self, settings):
        environment = super().program(settings)
        environment.manager.register(log_broker)
        return environment


for name, cls in log_broker.BROKEN.items():
    vars(sys.modules[__name__])[f"Test{name}"] = type(
        f"Test{name}", (Suite,), {"kind": name, "broken": cls, "__module__": __name__}
    )
