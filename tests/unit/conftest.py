"""Fixtures of the unit tests: memory only, the clock in the test's hand, no settings from outside."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
for folder in (ROOT / "tests", ROOT / "contrib" / "testing", ROOT):  # also where nothing is installed
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch):
    """FUNBOOST_* variables of the developer's shell decide nothing here."""
    for name in list(os.environ):
        if name.startswith("FUNBOOST_"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def no_grip_on_the_test_process(monkeypatch):
    """Consuming here neither catches signals nor keeps the test run alive at its end."""
    monkeypatch.setattr("funboost_core.lifetime.hold", lambda worker: None)


@pytest.fixture
def program():
    """A program in memory whose clock the test moves."""
    from support.program import Program

    made = Program()
    yield made
    made.close()


@pytest.fixture
def make_program():
    """The same with settings of one's own: ``make_program(NAMESPACE="staging")``."""
    from support.program import Program

    made = []

    def make(clock=None, **settings):
        made.append(Program(settings, clock))
        return made[-1]

    yield make
    for program in made:
        program.close()


@pytest.fixture
def run_python(tmp_path):
    """Run code in a fresh interpreter; what it printed.  ``run_python(code, path=[...], env={...})``."""
    import subprocess

    def run(code, path=(), env=None):
        script = tmp_path / "fresh.py"
        script.write_text(code, encoding="utf-8")
        places = [*map(str, path), *map(str, (ROOT, ROOT / "tests", ROOT / "contrib" / "testing"))]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("FUNBOOST_")}
        done = subprocess.run(
            [sys.executable, str(script)],
            env={**clean, "PYTHONPATH": os.pathsep.join(places), **(env or {})},
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
