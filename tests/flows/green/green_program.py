"""Runs a scene of this folder in a process of its own, patched by its first line."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
PARENTS = [ROOT, *(folder for room in ("brokers", "pools", "stores") for folder in (ROOT / "plugins" / room).iterdir())]


def require(library: str) -> None:
    """Skip loudly where a library is not installed."""
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed here: its concurrency mode is NOT TESTED")


def start(script: str, *arguments: str, folder: Path, program: Path | None = None) -> subprocess.Popen[str]:
    """Start ``script`` of this folder, or another program."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([*map(str, PARENTS), str(HERE), os.environ.get("PYTHONPATH", "")]),
        "GREEN_DIR": str(folder),
        "PYTHONWARNINGS": "default",
        "EVENTLET_NO_GREENDNS": "yes",
    }
    return subprocess.Popen(
        [sys.executable, str(program or HERE / script), *arguments],
        env=environment,
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for its end, which must be a good one without a dead-lock or a stray traceback; what it printed."""
    try:
        output, errors = process.communicate(timeout=55)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    assert process.returncode == 0, f"exit code {process.returncode}\n{output}\n{errors}"
    assert "Exception ignored" not in errors, errors
    return output


def play(script: str, library: str, scene: str, folder: Path) -> str:
    """Run a scene to its end; what it printed."""
    require(library)
    output = finish(start(script, library, scene, folder=folder))
    assert "played" in output, output
    return output
