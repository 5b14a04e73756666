import pytest
from funboost_testing.brokers import ListenerBrokerSuite
from funboost_testing.services import Proxy


class TestNats(ListenerBrokerSuite):
    kind = "NATS"

    @pytest.fixture
    def proxy(self, nats_place):  # the server, and a namespace for each test
        with Proxy(nats_place.url) as proxy:
            yield proxy

    @pytest.fixture
    def connection(self, nats_place, proxy):
        return {"NATS_URL": proxy.url, "NAMESPACE": nats_place.namespace}

    @pytest.fixture
    def cut(self, proxy):
        return proxy.refuse
