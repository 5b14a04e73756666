"""The mode threading keeps the contract of pools."""

from __future__ import annotations

from funboost_testing.pools import PoolSuite


class TestThreading(PoolSuite):
    kind = "threading"
