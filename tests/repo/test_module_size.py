"""Modules stay small enough to be read in one sitting; nothing large is in the repository."""

from __future__ import annotations

import shutil
import statistics
import subprocess
from pathlib import Path

import pytest
from workspace import ROOT

MOST = 300
MOST_BYTES = 100_000
MEDIAN_OF_CORE = 120


def lines(folder: str) -> dict[str, int]:
    files = [file for file in sorted((ROOT / folder).rglob("*.py")) if not hidden(file)]
    assert files, f"no Python file in {folder}"
    return {str(file.relative_to(ROOT)): len(file.read_text("utf-8").splitlines()) for file in files}


def hidden(file: Path) -> bool:
    return any(part.startswith(".") or part == "build" for part in file.relative_to(ROOT).parts)


def test_no_module_is_too_long() -> None:
    long = {
        file: count
        for folder in ("funboost_core", "plugins", "contrib")
        for file, count in lines(folder).items()
        if count > MOST
    }
    assert not long, f"over {MOST} lines: {long}"


def test_the_median_of_the_core_is_small() -> None:
    assert statistics.median(lines("funboost_core").values()) < MEDIAN_OF_CORE


def test_nothing_large_is_kept() -> None:
    """A core dump once was."""
    command = ["git", "ls-files", "-z"]
    if shutil.which("git") is None:
        pytest.skip("no git, so nobody knows what belongs to the project")
    known = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if known.returncode:
        pytest.skip(f"no clone of this user, so nobody knows what belongs to the project: {known.stderr}")
    files = [ROOT / name for name in known.stdout.split("\0") if name]
    assert not [file.name for file in files if file.exists() and file.stat().st_size > MOST_BYTES]
