"""KAFKA_CONFLUENT keeps the contract on a real server, in all plain pools."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
from funboost_testing.brokers.working import WorkingTests
from kafka_suite import KafkaSuite, OnKafka

pytestmark = pytest.mark.server


def installed(pool: str) -> pytest.MarkDecorator:
    """The plugin's own environment has no other pools than the default one."""
    return pytest.mark.skipif(find_spec(pool) is None, reason=f"{pool} is not installed")


class TestKafkaConfluent(OnKafka):
    kind = "KAFKA_CONFLUENT"


@installed("funboost_pool_single_thread")
class TestKafkaConfluentInOneThread(KafkaSuite, WorkingTests):
    kind = "KAFKA_CONFLUENT"
    settings = {"CONCURRENT_MODE": "single_thread"}


@installed("funboost_pool_asyncio")
class TestKafkaConfluentInALoop(KafkaSuite, WorkingTests):
    kind = "KAFKA_CONFLUENT"
    settings = {"CONCURRENT_MODE": "asyncio"}


@installed("funboost_pool_gevent")
class TestKafkaConfluentInGevent(KafkaSuite, WorkingTests):
    kind = "KAFKA_CONFLUENT"
    first_line = "from gevent import monkey; monkey.patch_all()"
    settings = {"CONCURRENT_MODE": "gevent"}


@installed("funboost_pool_eventlet")
class TestKafkaConfluentInEventlet(KafkaSuite, WorkingTests):
    kind = "KAFKA_CONFLUENT"
    first_line = "import eventlet; eventlet.monkey_patch()"
    settings = {"CONCURRENT_MODE": "eventlet"}
