"""The store suite over each broken one.  Not collected by itself: `test_broken_stores.py` runs it."""

from __future__ import annotations

import sys

import pytest
from broken_stores import BROKEN, opened
from funboost_testing.stores import StateStoreSuite


class Suite(StateStoreSuite):
    broken: type

    @pytest.fixture
    def make_store(self):
        return lambda clock: opened(self.broken, clock)


for name, cls in BROKEN.items():
    made = type(f"Test{name}", (Suite,), {"broken": cls, "__module__": __name__})
    vars(sys.modules[__name__])[f"Test{name}"] = made
