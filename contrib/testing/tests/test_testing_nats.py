"""nats-server as a server for tests."""

from __future__ import annotations

import pytest
from funboost_testing.services.nats import Nats

pytestmark = pytest.mark.skipif(not Nats().executable(), reason="no nats-server is installed")


def test_it_says_its_version_and_is_gone_afterwards():
    with Nats().start() as server:
        assert server.version.startswith("nats-server 2")
        assert Nats().version(server.url) == server.version
    with pytest.raises(OSError):
        Nats().version(server.url)


def test_it_may_want_a_password_and_be_started_anew():
    with Nats().start("--user", "anna", "--pass", "secret") as server:
        server.restart()
        assert server.version.startswith("nats-server 2")
