"""The mode single_thread keeps the contract of pools."""

from __future__ import annotations

from funboost_testing.pools import PoolSuite


class TestSingleThread(PoolSuite):
    kind = "single_thread"
    most = 1
