"""The suite of pull brokers on a real RabbitMQ server."""

from __future__ import annotations

import pytest
from funboost_testing.brokers import PullBrokerSuite
from served_suite import Served


class OnRabbitMQ(Served, PullBrokerSuite):
    """Subclass it with the kind."""

    place = "rabbitmq_place"
    options = {"x-max-priority": 5}

    @pytest.fixture(autouse=True)
    def _patient(self, monkeypatch):
        """The core would try again to give back and to move what the server has not confirmed within two seconds."""
        monkeypatch.setattr("funboost_rabbitmq.broker.MOVING", self.patience)

    def address(self, url):
        return {"RABBITMQ_URL": url}
