"""Programs that are killed lose nothing; told briefly here and at length in tests/chaos."""

from __future__ import annotations

import sys

import kill_steps
import kill_stories
import pytest
from kill_log import report

pools = pytest.mark.parametrize("pool", ["threading", "single_thread"])
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="forks, or calls the C library")


@pools
def test_killed_consumers(tmp_path, pool):
    report(f"consumers, {pool}", kill_stories.consumers(tmp_path, pool, 5))


@pools
def test_killed_in_a_slow_task_after_fast_ones(tmp_path, pool):
    report(f"interrupted, {pool}", kill_stories.interrupted(tmp_path, pool))


def test_a_killed_publisher(tmp_path):
    report("publisher", kill_stories.publisher(tmp_path, 3))


@posix_only
def test_a_task_that_lets_no_other_thread_run(tmp_path):
    report("holder", kill_stories.holder(tmp_path, "threading", 3))


@posix_only
def test_killed_at_each_step(tmp_path):
    report("steps", kill_steps.steps(tmp_path, "single_thread"))


def test_killed_children(tmp_path):
    report("family", kill_stories.family(tmp_path, 3, 0.1))
