from __future__ import annotations

import pytest
from funboost_store_redis.server import attach, detach
from funboost_store_redis.store import RedisState

from funboost_core.environment import Environment


@pytest.fixture
def make_state(redis_place):
    """Make states in the place of this test; they are closed at the end."""
    made = []

    def make(url=None, **settings):
        environment = Environment({"NAMESPACE": redis_place.namespace, **settings})
        made.append(RedisState(redis_place.url if url is None else url, environment))
        return made[-1]

    yield make
    for state in made:
        state.close()


@pytest.fixture
def server(redis_place):
    """Bare connections to the place of this test, under a setting that no other user of the place has.

    Places are used again: a server that an earlier test has left there, with connections or closed, is not this one.
    """
    user = object()
    server = attach(redis_place.url, "that of the fixture server", user)
    yield server
    detach(server, user)
