"""An environment of its own for each test, queues and state in memory; and what tasks were called with."""

from __future__ import annotations

import threading

import pytest
from funboost import defaults

from funboost_core.environment import Environment


@pytest.fixture
def environment():
    environment = Environment({"BROKER_KIND": "MEMORY_QUEUE", "STATE_URL": "memory://", "BEAT_SECONDS": 0.05})
    defaults.apply(environment)
    yield environment
    environment.close()


WAIT = 20


class Calls:
    """What a task was called with; can be waited for."""

    def __init__(self):
        self.seen = []
        self._changed = threading.Condition()

    def add(self, *values):
        with self._changed:
            self.seen.append(values)
            self._changed.notify_all()

    def wait(self, number):
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.seen) >= number, WAIT), self.seen
        return self.seen


@pytest.fixture
def calls():
    return Calls()
