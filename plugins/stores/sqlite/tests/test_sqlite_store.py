"""The SQLite store: the common suites."""

from __future__ import annotations

import pytest
from funboost_store_sqlite.store import SqliteState
from funboost_testing.stores import StateStoreSuite

from funboost_core.environment import Environment


class TestSqliteState(StateStoreSuite):
    @pytest.fixture
    def make_store(self, tmp_path):
        return lambda clock: SqliteState(f"sqlite:///{tmp_path}/state.sqlite3", Environment(clock=clock))
