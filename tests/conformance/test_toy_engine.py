"""The suite of engines over an honest one, in both ways of using it."""

from __future__ import annotations

import sys
from pathlib import Path

from funboost_testing.engines import EngineBrokerSuite

sys.path.append(str(Path(__file__).parent))  # for the processes that are killed


class TestToy(EngineBrokerSuite):
    kind = "TOY"
    plugins = ("toy_plugin",)


class TestToyPlain(EngineBrokerSuite):
    kind = "TOY_PLAIN"
    plugins = ("toy_plugin",)
    options = {"workers": 3}
