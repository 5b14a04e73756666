"""RABBITMQ_AMQPSTORM keeps the contract on a real server."""

from __future__ import annotations

import pytest
from rabbit_suite import OnRabbitMQ

pytestmark = pytest.mark.server


class TestRabbitMQAmqpstorm(OnRabbitMQ):
    kind = "RABBITMQ_AMQPSTORM"
