"""The suite of engines over each broken one.  Not collected by itself: `test_broken_engines.py` runs it."""

from __future__ import annotations

import sys

import broken_engines
from funboost_testing.engines import EngineBrokerSuite


class Suite(EngineBrokerSuite):
    patience = 6.0
    plugins = ("broken_engines",)

    def test_declaring_imports_no_client(self):
        """They are what they need."""


for name, cls in broken_engines.BROKEN.items():
    vars(sys.modules[__name__])[f"Test{name}"] = type(
        f"Test{name}", (Suite,), {"kind": name, "broken": cls, "settings": cls.settings, "__module__": __name__}
    )
