"""NATS keeps the contract on a real server."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
from nats_suite import OnNats

pytestmark = pytest.mark.server


def needs(pool):
    return pytest.mark.skipif(find_spec(pool) is None, reason=f"{pool} is not installed")


class TestNats(OnNats):
    pass


class TestNatsWithoutRoom(OnNats):
    """A consumer that receives hardly anything ahead is in and out of its group all the time."""

    options = {"receive_ahead": 6}


@needs("funboost_pool_single_thread")
class TestNatsInSingleThread(OnNats):
    settings = {"CONCURRENT_MODE": "single_thread"}


@needs("funboost_pool_asyncio")
class TestNatsInAsyncio(OnNats):
    settings = {"CONCURRENT_MODE": "asyncio"}


class InPatchedProcess(OnNats):
    """Without the wire that can be cut: there are no real threads for it in such a process."""

    @pytest.fixture
    def proxy(self, server_place):
        return server_place

    @pytest.fixture
    def cut(self):
        return None


@needs("funboost_pool_gevent")
class TestNatsInGevent(InPatchedProcess):
    first_line = "from gevent import monkey; monkey.patch_all()"
    settings = {"CONCURRENT_MODE": "gevent"}


@needs("funboost_pool_eventlet")
class TestNatsInEventlet(InPatchedProcess):
    first_line = "import eventlet; eventlet.monkey_patch()"
    settings = {"CONCURRENT_MODE": "eventlet"}
