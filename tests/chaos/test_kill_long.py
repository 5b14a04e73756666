"""Programs that are killed again and again: ``tox -e chaos -- -rP`` prints the numbers."""

from __future__ import annotations

import sys

import kill_steps
import kill_stories
import pytest
from kill_log import report

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="forks, or calls the C library")
pytestmark = pytest.mark.timeout(600)
pools = pytest.mark.parametrize("pool", ["threading", "single_thread"])


@pools
def test_fifty_killed_consumers(tmp_path, pool):
    report(f"consumers, {pool}", kill_stories.consumers(tmp_path, pool, 50))


@pools
@pytest.mark.parametrize("time", range(10))
def test_killed_in_a_slow_task_after_fast_ones_ten_times(tmp_path, pool, time):
    report(f"interrupted, {pool}", kill_stories.interrupted(tmp_path, pool))


def test_fifty_killed_publishers(tmp_path):
    report("publisher", kill_stories.publisher(tmp_path, 50))


@posix_only
@pools
def test_a_task_that_lets_no_other_thread_run_for_a_minute(tmp_path, pool):
    report(f"holder, {pool}", kill_stories.holder(tmp_path, pool, 60))


@posix_only
@pools
@pytest.mark.parametrize("time", range(10))
def test_killed_at_each_step_ten_times(tmp_path, pool, time):
    report(f"steps, {pool}", kill_steps.steps(tmp_path, pool))


def test_children_killed_for_twenty_seconds(tmp_path):
    report("family", kill_stories.family(tmp_path, 20, 2.0))
