"""The launcher of Apache Kafka."""

from __future__ import annotations

import pytest
from funboost_testing.services import Unavailable, find
from funboost_testing.services.kafka import RELEASE, Kafka

pytestmark = pytest.mark.server


def test_what_is_missing_is_said_with_the_fix(monkeypatch, tmp_path):
    monkeypatch.delenv(Kafka.variable, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(Unavailable, match=r"FUNBOOST_TEST_KAFKA_BOOTSTRAP_SERVERS.*services install kafka"):
        Kafka().start()


@pytest.mark.skipif(bool(find("kafka").missing()), reason="Apache Kafka is not installed")
def test_a_server_starts_and_keeps_its_files_over_a_crash():
    if not find("kafka").executable():
        pytest.skip("a server of this test's own is needed")
    with find("kafka").start() as server:
        assert server.version == f"Apache Kafka {RELEASE}"
        made = (server.folder / "data" / "meta.properties").read_text()
        server.kill()
        with pytest.raises(OSError):
            Kafka().version(server.url)
        server.start()
        assert (server.folder / "data" / "meta.properties").read_text() == made
