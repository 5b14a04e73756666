"""MEMORY_QUEUE keeps the contract."""

from __future__ import annotations

from funboost_testing.brokers import PullBrokerSuite


class TestMemoryQueue(PullBrokerSuite):
    kind = "MEMORY_QUEUE"
