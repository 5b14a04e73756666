"""A conformance suite on a real server, behind a wire that can be cut."""

from __future__ import annotations

import pytest
from funboost_testing.services import Proxy


class Served:
    """Mix it into a suite, and say by which fixture the server comes and which settings name it."""

    place = ""

    def address(self, url):
        """The settings that lead to the server."""
        raise NotImplementedError

    @pytest.fixture
    def server_place(self, request):
        return request.getfixturevalue(self.place)

    @pytest.fixture
    def proxy(self, server_place):
        with Proxy(server_place.url) as proxy:
            yield proxy

    @pytest.fixture
    def connection(self, server_place, proxy):
        return {"NAMESPACE": server_place.namespace, **self.address(proxy.url)}

    @pytest.fixture
    def cut(self, proxy):
        return proxy.refuse
