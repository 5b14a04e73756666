"""The file of schedules: made by several processes at once, and closed while the process forks."""

from __future__ import annotations

import os
import sqlite3

import pytest
from funboost_scheduler_apscheduler.tables import sqlite as tables
from funboost_testing.calls import Call

from funboost_core import Environment


@pytest.fixture
def environment(tmp_path):
    return Environment({"DATA_DIR": str(tmp_path)})


def test_who_opens_a_new_file_waits_for_another_who_does(environment, tmp_path):
    other = sqlite3.connect(tmp_path / tables.FILE, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    opening = Call(tables.SqliteTable, environment)
    assert opening.running(0.3)
    other.execute("COMMIT")
    other.close()
    table = opening.result()
    assert table.all("q") == []
    table.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_two_threads_may_fork_with_schedules(environment, monkeypatch):
    table = tables.SqliteTable(environment)
    hold, second = tables.SqliteTable._before_fork, []

    def fork_and_go_on():
        tables._before_fork()
        tables._after_in_parent()

    def holding(held):
        if held is table and not second:
            second.append(Call(fork_and_go_on))
            assert second[0].running(0.5)
        hold(held)

    monkeypatch.setattr(tables.SqliteTable, "_before_fork", holding)
    Call(fork_and_go_on).result()
    second[0].result()
    assert table.all("q") == []
    table.close()
