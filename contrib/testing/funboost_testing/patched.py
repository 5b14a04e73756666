"""Tests in a process of their own that begins with a line of the suite's, such as monkey patching.

All tests of one class run in one child, when the first of them is due; the parent reports what became of each.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from .plugin import RESULTS

_KEY: pytest.StashKey[dict[type, dict[str, Any]]] = pytest.StashKey()


class Results:
    """In the child: writes the outcome of each phase of each test to a file, a line of JSON each."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add one."""
        line = {"id": _within(report.nodeid), "when": report.when, "outcome": report.outcome}
        if isinstance(report.longrepr, tuple):  # where and why it was skipped
            line["text"] = str(report.longrepr[2])
        else:
            line["text"] = report.longreprtext
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def replay(item: Any) -> None:
    """In the parent: end as the test ended in the child."""
    known = item.session.stash.setdefault(_KEY, {})
    if item.cls not in known:
        known[item.cls] = {"output": "it was given up"}  # a time-out of this test is not one of each
        known[item.cls] = _run(item)
    results = known[item.cls]
    phases = results.get(_within(item.nodeid), [])
    for phase in phases:
        if phase["outcome"] == "skipped":
            pytest.skip(phase["text"].partition("Skipped: ")[2] or phase["text"])
        if phase["outcome"] == "failed":
            pytest.fail(f"in the patched process, at {phase['when']}:\n{phase['text']}", pytrace=False)
    if len(phases) < 3:
        pytest.fail(f"the patched process ended without a result for this test:\n{results['output']}", pytrace=False)


def _run(item: Any) -> dict[str, Any]:
    config = item.config
    tests = [f"{other.path}::{_within(other.nodeid)}" for other in item.session.items if other.cls is item.cls]
    options = ["--rootdir", str(config.rootpath), "-p", "no:cacheprovider", "-q"]
    if config.inipath is not None:
        options += ["-c", str(config.inipath)]
    code = f"{item.cls.first_line}\nimport sys, pytest\nsys.exit(pytest.main(sys.argv[1:]))"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "results")
        path.touch()
        child = subprocess.run(
            [sys.executable, "-c", code, *options, *tests],
            env={**os.environ, RESULTS: str(path), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            cwd=config.invocation_params.dir,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    results: dict[str, Any] = {"output": f"exit code {child.returncode}\n{child.stdout[-5000:]}"}
    for line in lines:
        results.setdefault(line["id"], []).append(line)
    return results


def _within(nodeid: str) -> str:
    """The class and name of a test: the file may be named differently in parent and child."""
    return nodeid.partition("::")[2]
