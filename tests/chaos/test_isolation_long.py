"""A thousand tasks of which each tenth hangs, in processes: a hundred are killed, and nothing of them is left."""

from __future__ import annotations

import multiprocessing
import sys
from pathlib import Path

import isolated_tasks as tasks
import pytest


@pytest.mark.timeout(1200)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_a_thousand_of_which_each_tenth_hangs(tmp_path: Path) -> None:
    try:
        print("\n" + tasks.hang_some(1000, 600, tmp_path))
    finally:
        tasks.environment.close()
    assert multiprocessing.active_children() == []
