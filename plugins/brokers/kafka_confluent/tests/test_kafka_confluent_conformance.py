"""KAFKA_CONFLUENT keeps the contract on a real server."""

from __future__ import annotations

import pytest
from kafka_suite import OnKafka

pytestmark = pytest.mark.server


class TestKafkaConfluent(OnKafka):
    kind = "KAFKA_CONFLUENT"
