"""KAFKA_CONFLUENT keeps the contract on a real server, in all plain pools."""

from __future__ import annotations

import pytest
from funboost_testing.brokers.working import WorkingTests
from kafka_suite import KafkaSuite, OnKafka

pytestmark = pytest.mark.server


class TestKafkaConfluent(OnKafka):
    kind = "KAFKA_CONFLUENT"


class TestKafkaConfluentInOneThread(KafkaSuite, WorkingTests):
    kind = "KAFKA_CONFLUENT"
    settings = {"CONCURRENT_MODE": "single_thread"}


class TestKafkaConfluentInALoop(KafkaSuite, WorkingTests):
    kind = "KAFKA_CONFLUENT"
    settings = {"CONCURRENT_MODE": "asyncio"}
