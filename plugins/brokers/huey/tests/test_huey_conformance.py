from __future__ import annotations

from importlib.util import find_spec

import pytest
from funboost_testing.engines import EngineBrokerSuite

# Huey keeps a connection for each thread, and leaves closing it to the end of the thread.
pytestmark = pytest.mark.filterwarnings("ignore:.*sqlite3.Connection:pytest.PytestUnraisableExceptionWarning")


class TestHuey(EngineBrokerSuite):
    kind = "HUEY"
    options = {"max_delay": 0.05}


@pytest.mark.server
@pytest.mark.skipif(find_spec("redis") is None, reason="redis-py is not installed")
class TestHueyOnRedis(EngineBrokerSuite):
    kind = "HUEY"

    @pytest.fixture
    def environment(self, redis_place, tmp_path, monkeypatch):
        settings = {"REDIS_URL": redis_place.url, "NAMESPACE": redis_place.namespace}
        monkeypatch.setattr(type(self), "settings", settings)
        environment = self.program(self.given(tmp_path))
        yield environment
        environment.close()
