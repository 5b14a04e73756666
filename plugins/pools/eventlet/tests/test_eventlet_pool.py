"""Concurrency mode "eventlet"; each scene is a program of its own, because patching is for a whole process."""

from __future__ import annotations

import signal
import sys
import textwrap
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[4] / "tests" / "flows" / "green"))

import green_program

FIRST_LINE = "import eventlet; eventlet.monkey_patch()"
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to send to a process")


@pytest.mark.parametrize("scene", ["overlap", "retries", "drain", "given_up", "context", "other_thread"])
def test_scene(scene, tmp_path):
    green_program.play("pool_scenes.py", "eventlet", scene, tmp_path)


def test_goes_on_when_the_main_thread_has_ended(tmp_path):
    assert "all done, main thread ended" in green_program.play("pool_scenes.py", "eventlet", "main_ended", tmp_path)


def terminate(scene, folder):
    green_program.require("eventlet")
    process = green_program.start("pool_scenes.py", "eventlet", scene, folder=folder)
    read = []
    for line in process.stdout:
        read.append(line)
        if line == "running\n":
            break
    process.send_signal(signal.SIGTERM)
    return "".join(read) + green_program.finish(process)


@POSIX
def test_sigterm_drains_when_the_main_thread_has_ended(tmp_path):
    output = terminate("sigterm_main_ended", tmp_path)
    assert output.count("ended") == 4


@POSIX
def test_sigterm_drains_and_then_ends_the_main_greenlet(tmp_path):
    output = terminate("sigterm_main_waits", tmp_path).splitlines()
    assert sum(line.startswith("ended") for line in output) == 4
    assert output[-1] == "main ended by SystemExit"


@POSIX
def test_a_signal_is_not_taken_for_a_failure_of_the_task_in_which_it_arrives(tmp_path):
    output = terminate("sigterm_in_task", tmp_path)
    assert "ended 0" in output and "ended 1" in output and "met" not in output


REFUSED = {
    "unpatched": (
        "",
        "def f(x): pass",
        "needs a monkey-patched process",
        FIRST_LINE,
    ),
    "patched too late": (
        "import funboost_core.native\n" + FIRST_LINE,
        "def f(x): pass",
        "funboost was imported before",
        FIRST_LINE,
    ),
    "async def": (
        FIRST_LINE,
        "async def f(x): pass",
        "is `async def`",
        "concurrent_mode='asyncio'",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refuses_with_the_fix(case, tmp_path):
    green_program.require("eventlet")
    first, function, problem, fix = REFUSED[case]
    program = tmp_path / "program.py"
    program.write_text(
        first
        + textwrap.dedent(
            f"""
            import sys
            import threading
            import stage
            {function}
            threads = threading.active_count()
            try:
                stage.task(f, "refused").consume()
            except stage.ConfigError as error:
                print(error)
                assert threading.active_count() == threads
            """
        )
    )
    output = green_program.finish(green_program.start("", "eventlet", folder=tmp_path, program=program))
    assert problem in output and fix in output
