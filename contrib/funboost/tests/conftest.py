"""An environment of its own for each test: the documented defaults, queues and state in memory."""

from __future__ import annotations

import pytest
from funboost import defaults

from funboost_core.environment import Environment


@pytest.fixture
def environment():
    environment = Environment({"BROKER_KIND": "MEMORY_QUEUE", "STATE_URL": "memory://", "BEAT_SECONDS": 0.05})
    defaults.apply(environment)
    yield environment
    environment.close()
