from __future__ import annotations

import logging

import pytest
from funboost_broker_redis_ack_able.broker import RedisAckAbleBroker
from funboost_broker_redis_ack_able.options import Options

from funboost_core.environment import Environment
from funboost_core.ports.broker import BrokerContext


@pytest.fixture
def make(redis_place):
    """Make brokers of one server; they are closed at the end."""
    made = []

    def make(queue="q", url=None, listen=True, beat=0.2, **options):
        settings = {"REDIS_URL": url or redis_place.url, "NAMESPACE": redis_place.namespace, "BEAT_SECONDS": beat}
        environment = Environment(settings)
        context = BrokerContext(
            "REDIS_ACK_ABLE", environment.namespaced(queue), Options(**options), environment, logging.getLogger("t")
        )
        made.append(RedisAckAbleBroker(context))
        made[-1].open()
        if listen:
            made[-1].listen()
        return made[-1]

    yield make
    for broker in made:
        broker.close()
