"""Programs that PyInstaller has frozen, by no other options than its own: our hooks bring the plugins along.

``tox -e pkg``.
"""

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

PROGRAM = """
import multiprocessing
import os
import sys

from funboost import BoosterParams, boost
from funboost_core import default


@boost(BoosterParams(queue_name="add", concurrent_num=2, is_using_rpc_mode=True))
def add(x, y=2):
    return [x + y, os.getpid()]


def main():
    print("frozen", getattr(sys, "frozen", False))
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
        @boost(BoosterParams(queue_name="far", broker_kind="NO_SUCH_BROKER"))
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
    for unused in ("pytest", "PIL", "numpy", "tkinter"):
        command += ["--exclude-module", unused]
    done = subprocess.run(
        [*command, str(script)], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    return folder / "dist" / "program" / ("program.exe" if os.name == "nt" else "program")


def run(program: Path, folder: Path, mode: str, broker: str = "", **settings: str) -> list[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "FUNBOOST_"))}
    settings = {**({"BROKER_KIND": broker} if broker else {}), "DATA_DIR": str(folder), **settings}
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


def check(lines: list[str], where: str = "here") -> None:
    assert "frozen True" in lines, lines
    assert "results [2, 3, 4, 5, 6, 7]" in lines, lines
    assert f"{where} True" in lines, lines
    assert lines[-1] == "closed", lines


@pytest.mark.parametrize("broker", ["", "MEMORY_QUEUE"], ids=["the default", "memory"])
def test_a_frozen_program_works(frozen, tmp_path, broker):
    check(run(frozen, tmp_path, "threads", broker))


def test_a_frozen_program_consumes_in_processes(frozen, tmp_path):
    check(run(frozen, tmp_path, "processes"), "elsewhere")


@pytest.mark.server
@pytest.mark.parametrize("broker", ["REDIS", "REDIS_ACK_ABLE", "REDIS_STREAM"])
def test_a_frozen_program_works_with_an_extra(frozen, tmp_path, broker, redis_place):
    settings = {"REDIS_URL": redis_place.url, "STATE_URL": "redis://", "NAMESPACE": redis_place.namespace}
    check(run(frozen, tmp_path, "threads", broker, **settings))


def test_a_frozen_program_is_told_what_is_missing(frozen, tmp_path):
    [line] = run(frozen, tmp_path, "missing")
    assert line.startswith("UnknownKind No broker called 'NO_SUCH_BROKER'"), line
    assert "MEMORY_QUEUE" in line and "SQLITE_QUEUE" in line
    assert "funboost-broker-no-such-broker" in line
