"""SQLITE_QUEUE keeps the contract."""

from __future__ import annotations

from funboost_testing.brokers import PullBrokerSuite


class TestSqliteQueue(PullBrokerSuite):
    kind = "SQLITE_QUEUE"


class TestSqliteQueueFull(PullBrokerSuite):
    kind = "SQLITE_QUEUE"
    options = {"synchronous": "FULL"}
