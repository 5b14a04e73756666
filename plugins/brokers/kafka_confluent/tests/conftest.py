from __future__ import annotations

import logging

import pytest
from funboost_broker_kafka_confluent.broker import KafkaBroker
from funboost_broker_kafka_confluent.options import Options
from kafka_suite import QUICK

from funboost_core import Environment
from funboost_core.ports.broker import BrokerContext


@pytest.fixture
def environment(kafka_place, tmp_path):
    environment = Environment(
        {
            "BROKER_KIND": "KAFKA_CONFLUENT",
            "CONCURRENT_MODE": "threading",
            "STATE_URL": "memory://",
            "DATA_DIR": str(tmp_path),
            "BEAT_SECONDS": 0.2,
            "KAFKA_BOOTSTRAP_SERVERS": [kafka_place.url],
            "NAMESPACE": kafka_place.namespace,
        }
    )
    yield environment
    environment.close()


@pytest.fixture
def make(environment):
    made = []

    def make(queue="q", listen=True, servers=None, **options):
        group = environment("NAMESPACE")  # all queues of a group rebalance together: not with those of other tests
        given = {"num_partitions": 1, "consumer_config": QUICK, "group_id": group, **options}
        where = environment if servers is None else Environment({"KAFKA_BOOTSTRAP_SERVERS": servers})
        context = BrokerContext(
            "KAFKA_CONFLUENT", environment.namespaced(queue), Options(**given), where, logging.getLogger("t")
        )
        made.append(KafkaBroker(context))
        made[-1].open()
        if listen:
            made[-1].listen()
        return made[-1]

    yield make
    for broker in made:
        broker.close()
