"""The suite of pull brokers on a real RabbitMQ server."""

from __future__ import annotations

from funboost_testing.brokers import PullBrokerSuite
from served_suite import Served


class OnRabbitMQ(Served, PullBrokerSuite):
    """Subclass it with the kind."""

    place = "rabbitmq_place"
    options = {"x-max-priority": 5}

    def address(self, url):
        return {"RABBITMQ_URL": url}
