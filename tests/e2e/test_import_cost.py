"""Importing does nothing but import, costs little, and does not grow with what is installed."""

from __future__ import annotations

import importlib.util
import json
import os
import statistics
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

PROBE = Path(__file__).with_name("import_probe.py")

BARE = "import {package}\n"
DECORATED = """
from {package} import boost, BoosterParams

@boost(BoosterParams(queue_name="add"))
def add(x: int, y: int = 2) -> int:
    return x + y

settings = {{name: value for name, value in add.boost_params if not callable(value)}}
TOLD = [repr(add), add(1), add.queue_name, repr(settings)]
"""
MODEL = """
from pydantic import BaseModel

class Model(BaseModel):
    x: int

Model(x=1)
"""
PROGRAMS = {"bare": BARE, "decorated": DECORATED}

# Modules beyond those that a one-field pydantic model needs.  To raise a figure is to slow down everyone's start.
MOST_MODULES = {
    ("funboost_core", "bare"): 1,
    ("funboost_core", "decorated"): 22,
    ("funboost", "bare"): 10,
    ("funboost", "decorated"): 33,
}
FORBIDDEN = {
    "asyncio",
    "sqlite3",
    "socket",
    "multiprocessing",
    "concurrent.futures",
    "ssl",
    "subprocess",
    "logging.handlers",
    "pluggy",  # plugins are looked up when something is published or consumed
    "gevent",
    "eventlet",
}
RATIO, PAIRS, ROUNDS = 1.25, 7, 6

programs = pytest.mark.parametrize(
    ("package", "program"), [(package, program) for package in ("funboost_core", "funboost") for program in PROGRAMS]
)


def _need(package: str) -> None:
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed in this environment: its import cost is NOT tested")


class Sandbox:
    """A place where every folder that a program might write to is new and empty."""

    FOLDERS = ("cwd", "home", "config", "data", "cache", "state", "temp")

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in self.FOLDERS:
            (folder / name).mkdir()

    def environment(self, path: Path | None = None) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FUNBOOST_")}
        places = [str(path)] if path else []
        return {
            **kept,
            "HOME": str(self.folder / "home"),
            "USERPROFILE": str(self.folder / "home"),
            "LOCALAPPDATA": str(self.folder / "data"),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "XDG_DATA_HOME": str(self.folder / "data"),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "TMPDIR": str(self.folder / "temp"),
            "PYTHONDONTWRITEBYTECODE": "1",  # the interpreter's own files are not ours
            "PYTHONPATH": os.pathsep.join(filter(None, [*places, os.environ.get("PYTHONPATH", "")])),
        }

    def probe(self, code: str, path: Path | None = None) -> dict:
        """What the program did; its output and the files that are there afterwards are added."""
        program, report = self.folder / "program.py", self.folder / "report.json"
        program.write_text(textwrap.dedent(code))
        run = subprocess.run(
            [sys.executable, str(PROBE), str(program), str(report)],
            cwd=self.folder / "cwd",
            env=self.environment(path),
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        found = [str(file) for name in self.FOLDERS for file in (self.folder / name).rglob("*")]
        return {**json.loads(report.read_text()), "output": run.stdout + run.stderr, "files": found}


@pytest.fixture
def sandbox(tmp_path):
    return Sandbox(tmp_path)


@pytest.fixture
def fifty_plugins(tmp_path):
    """A folder with fifty installed distributions, whose modules leave a mark when they are imported."""
    folder, marks = tmp_path / "site", tmp_path / "marks"
    folder.mkdir()
    marks.mkdir()
    hooks = {"brokers": "funboost_brokers", "pools": "funboost_pools", "stores": "funboost_state_stores"}
    rooms = [*["brokers"] * 25, *["pools"] * 8, *["stores"] * 8, *["schedulers"] * 4, *["hooks"] * 5]
    for number, room in enumerate(rooms):
        name = f"funboost_dummy_{number}"
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 1.0\n")
        (info / "RECORD").write_text(f"{name}/__init__.py,,\n{name}/plugin.py,,\n{info.name}/METADATA,,\n")
        (info / "INSTALLER").write_text("pip\n")
        (info / "entry_points.txt").write_text(f"[funboost.{room}]\nDUMMY_{number} = {name}.plugin\n")
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(f"open({str(marks / name)!r}, 'w').close()\n")
        record = {
            "brokers": f"BrokerSpec('DUMMY_{number}', 'nowhere:Broker', Capability.PUBLISH)",
            "pools": f"PoolSpec('DUMMY_{number}', 'nowhere:Pool')",
            "stores": f"StateSpec('DUMMY_{number}', 'nowhere:Store')",
        }.get(room)
        body = f"@hookimpl\ndef {hooks[room]}():\n    return [{record}]\n" if record else ""
        (folder / name / "plugin.py").write_text(
            f"from funboost_core import BrokerSpec, Capability, PoolSpec, StateSpec, hookimpl\n{body}"
        )
    return folder, marks


@programs
def test_importing_does_nothing_else(sandbox, package, program):
    _need(package)
    did = sandbox.probe(PROGRAMS[program].format(package=package))
    assert did["events"] == []
    assert did["files"] == []
    assert did["output"] == ""
    assert did["handlers"] == []
    assert package in did["modules"]


@programs
def test_few_modules_are_imported_and_no_plugin(sandbox, package, program):
    _need(package)
    modules = set(sandbox.probe(PROGRAMS[program].format(package=package))["modules"])
    more = modules - set(sandbox.probe(MODEL)["modules"])  # what pydantic imports differs from Python to Python
    assert {name for name in more if any(f"{name}.".startswith(f"{bad}.") for bad in FORBIDDEN)} == set()
    assert {name.split(".")[0] for name in more if name.startswith("funboost")} <= {"funboost_core", package}
    assert program != "bare" or "pydantic" not in modules
    assert len(more) <= MOST_MODULES[package, program], sorted(more)


@programs
def test_fifty_installed_plugins_change_nothing(sandbox, fifty_plugins, package, program):
    _need(package)
    folder, marks = fifty_plugins
    code = PROGRAMS[program].format(package=package)
    alone, among_many = sandbox.probe(code), sandbox.probe(code, folder)
    assert among_many == alone
    assert list(marks.iterdir()) == []


def test_of_fifty_installed_plugins_only_the_one_that_is_asked_for_is_imported(sandbox, fifty_plugins):
    """Also shows that the test above could fail: these plugins are real, and a mark appears."""
    folder, marks = fifty_plugins
    did = sandbox.probe(
        """
        from funboost_core import default

        catalog = default().catalog
        TOLD = [len([kind for room in ("brokers", "pools", "stores", "schedulers") for kind in catalog.kinds(room)
                     if kind.startswith("DUMMY_")]),
                len([name for name in catalog.installed("hooks") if name.startswith("dummy_")]),
                catalog.find("brokers", "dummy_7").kind]
        """,
        folder,
    )
    assert did["told"] == [45, 5, "DUMMY_7"]
    assert [mark.name for mark in marks.iterdir()] == ["funboost_dummy_7"]
    assert "nowhere" not in did["modules"]


def test_the_probe_sees_what_a_program_does(sandbox):
    did = sandbox.probe(
        """
        import logging, os, subprocess, sys, threading
        from pathlib import Path

        Path.home().joinpath("left.txt").write_text("here")
        subprocess.run([sys.executable, "-c", ""])
        threading.Thread(target=print, args=("hello",)).start()
        logging.getLogger("x").addHandler(logging.StreamHandler())
        TOLD = 1
        """
    )
    events = " ".join(did["events"])
    assert "left.txt for writing" in events
    assert "subprocess.Popen" in events
    assert "a thread was started" in events
    assert did["handlers"] != []
    assert did["output"] == "hello\n"
    assert [Path(file).name for file in did["files"]] == ["left.txt"]
    assert "logging" in did["modules"]
    assert did["told"] == 1


@pytest.mark.timeout(600)
@pytest.mark.parametrize("package", ["funboost_core", "funboost"])
def test_a_task_costs_hardly_more_than_a_pydantic_model(sandbox, package, record_property, capsys):
    """CPU time of whole processes, compared in turn; the best round counts, so that a busy machine passes."""
    _need(package)
    environment = sandbox.environment()
    del environment["PYTHONDONTWRITEBYTECODE"]
    environment["PYTHONPYCACHEPREFIX"] = str(sandbox.folder / "bytecode")  # both are compiled once, by the first run

    def cost(name: str, code: str) -> float:
        script = sandbox.folder / f"{name}.py"
        script.write_text(textwrap.dedent(code) + "\nimport time\nprint(time.process_time())\n")
        run = subprocess.run(
            [sys.executable, str(script)],
            cwd=sandbox.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return float(run.stdout)

    task = DECORATED.format(package=package)
    cost("model", MODEL), cost("task", task)
    ratios = []
    for _ in range(ROUNDS):
        pairs = [(cost("model", MODEL), cost("task", task)) for _ in range(PAIRS)]
        models, tasks = zip(*pairs)
        ratios.append(statistics.median(tasks) / statistics.median(models))
        if ratios[-1] <= RATIO:
            break
    text = f"{package}: {', '.join(f'{ratio:.2f}' for ratio in ratios)} x a one-field pydantic model"
    record_property("import_cost", text)
    with capsys.disabled():
        print(f"\n{text}")
    assert min(ratios) <= RATIO, text
