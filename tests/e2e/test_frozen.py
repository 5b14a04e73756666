"""A program that PyInstaller has frozen: there is no metadata, so its plugins are registered.  ``tox -e pkg``."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.pkg,
    pytest.mark.timeout(900),
    pytest.mark.skipif(importlib.util.find_spec("PyInstaller") is None, reason="no PyInstaller: `tox -e pkg` has it"),
]

PACKAGES = [
    "funboost_core",
    "funboost_broker_memory_queue",
    "funboost_broker_sqlite_queue",
    "funboost_pool_threading",
    "funboost_store_memory",
    "funboost_store_sqlite",
]

PROGRAM = """
import multiprocessing
import os
import sys

import funboost_broker_memory_queue.plugin
import funboost_broker_sqlite_queue.plugin
import funboost_pool_threading.plugin
import funboost_store_memory.plugin
import funboost_store_sqlite.plugin
from funboost_core import BoosterParams, boost, default, register_plugin

register_plugin(funboost_broker_memory_queue.plugin)
register_plugin(funboost_broker_sqlite_queue.plugin)
register_plugin(funboost_pool_threading.plugin)
register_plugin(funboost_store_memory.plugin)
register_plugin(funboost_store_sqlite.plugin)


@boost(BoosterParams(queue_name="add", concurrent_num=2, is_using_rpc_mode=True))
def add(x, y=2):
    return [x + y, os.getpid()]


def main():
    from importlib.metadata import entry_points

    found = entry_points()
    groups = getattr(found, "groups", found)
    print("metadata", any(group.startswith("funboost") for group in groups), "frozen", getattr(sys, "frozen", False))
    results = [add.push(x) for x in range(6)]
    if sys.argv[1] == "processes":
        add.multi_process_consume(2)
    else:
        add.consume()
    values = [result.set_timeout(60).result for result in results]
    print("results", [value for value, _ in values])
    print("here", all(process == os.getpid() for _, process in values))
    print("elsewhere", all(process != os.getpid() for _, process in values))
    default().close()
    print("closed")


def missing():
    try:
        @boost(BoosterParams(queue_name="far", broker_kind="REDIS_STREAM"))
        def far(): ...
        far.push()
    except Exception as error:
        print(type(error).__name__, error)


if __name__ == "__main__":
    multiprocessing.freeze_support()
    missing() if sys.argv[1] == "missing" else main()
"""


@pytest.fixture(scope="module")
def frozen(tmp_path_factory):
    """The program, built once."""
    folder = tmp_path_factory.mktemp("frozen")
    script = folder / "program.py"
    script.write_text(PROGRAM)
    command = [
        sys.executable,
        "-m",
        "PyInstaller",
        "--onedir",
        "--noconfirm",
        "--log-level",
        "WARN",
        "--name",
        "program",
    ]
    for package in PACKAGES:  # they import by name, which PyInstaller cannot see
        command += ["--collect-submodules", package]
    for unused in ("pytest", "PIL", "numpy", "tkinter"):
        command += ["--exclude-module", unused]
    done = subprocess.run(
        [*command, str(script)], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    return folder / "dist" / "program" / ("program.exe" if os.name == "nt" else "program")


def run(program: Path, folder: Path, mode: str, broker: str = "MEMORY_QUEUE", state: str = "memory://") -> list[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "FUNBOOST_"))}
    settings = {"BROKER_KIND": broker, "CONCURRENT_MODE": "threading", "STATE_URL": state, "DATA_DIR": str(folder)}
    with subprocess.Popen(
        [str(program), mode],
        cwd=folder,
        env={**kept, **{f"FUNBOOST_{name}": value for name, value in settings.items()}},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=120)
        finally:
            process.kill()
    assert process.returncode == 0, output
    return output.splitlines()


@pytest.mark.parametrize(("broker", "state"), [("MEMORY_QUEUE", "memory://"), ("SQLITE_QUEUE", "sqlite://")])
def test_a_frozen_program_works_with_registered_plugins(frozen, tmp_path, broker, state):
    lines = run(frozen, tmp_path, "threads", broker, state)
    assert "metadata False frozen True" in lines, lines
    assert "results [2, 3, 4, 5, 6, 7]" in lines, lines
    assert "here True" in lines, lines
    assert lines[-1] == "closed", lines


def test_a_frozen_program_consumes_in_processes(frozen, tmp_path):
    lines = run(frozen, tmp_path, "processes", "SQLITE_QUEUE", "sqlite://")
    assert "results [2, 3, 4, 5, 6, 7]" in lines, lines
    assert "elsewhere True" in lines, lines
    assert lines[-1] == "closed", lines


def test_a_frozen_program_is_told_what_is_missing(frozen, tmp_path):
    [line] = run(frozen, tmp_path, "missing")
    assert line.startswith("UnknownKind No broker called 'REDIS_STREAM'"), line
    assert "MEMORY_QUEUE, SQLITE_QUEUE" in line
    assert "funboost-broker-redis-stream" in line
