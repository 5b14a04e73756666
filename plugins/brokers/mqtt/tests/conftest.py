"""Fixtures for the tests that are special to MQTT."""

from __future__ import annotations

import pytest
from mqtt_stories import Foreign
from mqtt_suite import settings_of

from funboost_core import Environment


@pytest.fixture
def foreign(mqtt_place):
    foreign = Foreign(mqtt_place.url)
    yield foreign
    foreign.close()


@pytest.fixture
def make(tmp_path, mqtt_place):
    """``make(url, **settings)``: a program on that server."""
    made = []

    def make(url=mqtt_place.url, **settings):
        values = {
            "BROKER_KIND": "MQTT",
            "CONCURRENT_MODE": "threading",
            "DATA_DIR": str(tmp_path),
            "STATE_URL": "memory://",
            "BEAT_SECONDS": 0.1,
            "NAMESPACE": mqtt_place.namespace,
        }
        made.append(Environment({**values, **settings_of(url), **settings}))
        return made[-1]

    yield make
    for environment in made:
        environment.close()
