"""A consumer that dies while a run of it is abandoned, or runs in a process of its own: the message comes back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable

import pytest

STORY = Path(__file__).parents[1] / "support" / "overdue_story.py"


@pytest.fixture
def start(tmp_path):
    """Starts the program; all of them end with the test."""
    processes = []

    def start(what: str, **settings: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, str(STORY), what], env={**os.environ, "STORY": str(tmp_path), **settings}
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait()


def until(condition: Callable[[], Any], seconds: float = 40) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def text(file: Path) -> str:
    return file.read_text() if file.exists() else ""


def lives(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat")
    try:
        os.kill(pid, 0)
        return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:  # it may be gone between two of these
        return False


def test_while_a_run_is_abandoned(start, tmp_path):
    assert start("publish").wait(40) == 0
    consumer = start("consume")
    until(lambda: text(tmp_path / "abandoned") not in {"", "0"})
    consumer.kill()
    consumer.wait()
    assert not (tmp_path / "done").exists()
    (tmp_path / "calm").touch()
    start("consume")
    until(lambda: text(tmp_path / "done") == "7")


@pytest.mark.skipif(sys.platform == "win32", reason="looks for a process by os.kill")
@pytest.mark.parametrize("forks", ["", "1"], ids=["alone", "copied"])
def test_while_it_runs_in_a_process_which_goes_with_its_parent(start, tmp_path, forks):
    """Also where a process lives on that was forked from the parent, with copies of all that was open there."""
    assert start("publish", MODE="isolated").wait(40) == 0
    consumer = start("consume", MODE="isolated", FORKS=forks)
    until(lambda: text(tmp_path / "runs").endswith("\n"))
    child = int(text(tmp_path / "runs"))
    assert child != consumer.pid
    if forks:
        until(lambda: text(tmp_path / "forked").endswith("\n"))
    consumer.kill()
    consumer.wait()
    try:
        until(lambda: not lives(child))
    finally:
        if forks:
            os.kill(int(text(tmp_path / "forked")), signal.SIGKILL)
    (tmp_path / "calm").touch()
    start("consume", MODE="isolated")
    until(lambda: text(tmp_path / "done") == "7")
