"""mosquitto as a server for tests."""

from __future__ import annotations

import pytest
from funboost_testing.services.mosquitto import Mosquitto

pytestmark = pytest.mark.skipif(not Mosquitto().executable(), reason="no mosquitto is installed")


def test_it_says_its_version_and_is_gone_afterwards():
    with Mosquitto().start() as server:
        assert server.version.startswith("mosquitto 2")
        assert Mosquitto().version(server.url) == server.version
    with pytest.raises(OSError):
        Mosquitto().version(server.url)


def test_it_may_be_configured_and_started_anew():
    with Mosquitto().start() as server:
        (server.folder / "more" / "closed.conf").write_text("allow_anonymous false\n")
        server.restart()
        assert server.version == "mosquitto (it wants a password: 5)"
