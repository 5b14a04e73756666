"""The suite of brokers that push, and where nothing is kept while nobody consumes, on a real NATS server."""

from __future__ import annotations

from funboost_testing.brokers import ListenerBrokerSuite
from served_suite import Served


class OnNats(Served, ListenerBrokerSuite):
    kind = "NATS"
    place = "nats_place"

    def address(self, url):
        return {"NATS_URL": url}

    def held(self, broker):
        return len(broker._receiver.waiting)
