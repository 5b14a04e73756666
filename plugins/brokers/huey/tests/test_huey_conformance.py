from __future__ import annotations

import pytest
from funboost_testing.engines import EngineBrokerSuite

# Huey keeps a connection for each thread, and leaves closing it to the end of the thread.
pytestmark = pytest.mark.filterwarnings("ignore:.*sqlite3.Connection:pytest.PytestUnraisableExceptionWarning")


class TestHuey(EngineBrokerSuite):
    kind = "HUEY"
    options = {"max_delay": 0.05}
