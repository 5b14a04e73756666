"""The suite of pull brokers on a real Kafka server."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from funboost_testing.brokers import BrokerSuite, PullBrokerSuite

QUICK = {"heartbeat.interval.ms": 100, "session.timeout.ms": 6000}
"""A group that notices at once who comes, and soon who has died; who does not get his turn for a while has not."""


class KafkaSuite(BrokerSuite):
    """One partition: the order of publishing, and all that waits goes to one consumer."""

    patience = 20.0

    @pytest.fixture
    def environment(self, kafka_place, tmp_path, monkeypatch):
        # each test has a group of its own: all queues of a group rebalance together
        group = kafka_place.namespace
        options = {"num_partitions": 1, "publish_timeout": 6.0, "consumer_config": QUICK, "group_id": group}
        monkeypatch.setattr(type(self), "options", options)
        environment = self.program(
            {
                "BROKER_KIND": self.kind,
                "CONCURRENT_MODE": "threading",
                "DATA_DIR": str(tmp_path / "data"),
                "DRAIN_SECONDS": self.patience,
                "BEAT_SECONDS": 0.2,
                "KAFKA_BOOTSTRAP_SERVERS": kafka_place.url,
                "NAMESPACE": kafka_place.namespace,
                **self.settings,
            }
        )
        yield environment
        environment.close()

    @pytest.fixture
    def cut(self, kafka_place):
        server = kafka_place.server
        if server is None:
            return None

        @contextmanager
        def cut():
            server.kill()
            try:
                yield
            finally:
                server.start()

        return cut


class OnKafka(KafkaSuite, PullBrokerSuite):
    """Subclass it with the kind."""

    names = tuple(name for name in PullBrokerSuite.names if name != "q_2")  # which Kafka takes for q.2
