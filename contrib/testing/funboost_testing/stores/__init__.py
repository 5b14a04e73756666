"""Conformance suites of the state stores, one class for each part and one for all of them.

Subclass a suite in a test module and override its fixture `make_store`; see the README.
"""

from __future__ import annotations

from .base import MakeStore, StoreSuite
from .coordinator import CoordinatorSuite
from .filter import FilterSuite
from .history import HistorySuite
from .parking import ParkingSuite
from .replies import RepliesSuite

__all__ = [
    "CoordinatorSuite",
    "FilterSuite",
    "HistorySuite",
    "MakeStore",
    "ParkingSuite",
    "RepliesSuite",
    "StateStoreSuite",
    "StoreSuite",
]


class StateStoreSuite(RepliesSuite, HistorySuite, FilterSuite, ParkingSuite, CoordinatorSuite):
    """All five parts, for a backend that serves them all."""
