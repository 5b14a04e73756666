"""From a task to the module that another machine imports; and what is written into the shell's input."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import textwrap

import pytest
from funboost_deploy import Options, of_runner, script
from funboost_deploy.files import Rules

from funboost_core.errors import ConfigError

SHOW = """
from funboost import BoosterParams, boost
from funboost_deploy.project import place_of

@boost(BoosterParams(queue_name="q"))
def f(x): ...

class Jobs:
    @boost(BoosterParams(queue_name="method"))
    def run(self, x): ...

    @classmethod
    @boost(BoosterParams(queue_name="class_method"))
    def of(cls, x): ...

def _inner():
    @boost(BoosterParams(queue_name="hidden"))
    def g(x): ...
    return g

renamed = _inner()

def show(given=None):
    for task in (f, Jobs.run, renamed):
        place = place_of(task, given)
        print(place.root.name, place.module, place.name)
"""


@pytest.fixture
def run(tmp_path):
    """``run(file, code, *args)`` runs a program in a project; what it printed, the last line of an error included."""

    def run(file, code, *command, **environment):
        path = tmp_path / "project" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(code))
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("FUNBOOST_", "PYTHONPATH"))}
        environment = {**clean, "FUNBOOST_GENERATE_CONFIG": "0", "HOME": str(tmp_path), **environment}
        done = subprocess.run(
            [sys.executable, *(command or [str(path)])],
            env=environment,
            cwd=tmp_path / "project",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return done.stdout

    return run


def test_the_main_module_is_found_from_its_file(run, tmp_path):
    code = SHOW + "\nshow()\n"
    project = str(tmp_path / "project")
    wanted = ["project jobs.main f", "project jobs.main Jobs.run", "project jobs.main renamed"]
    assert run("jobs/main.py", code, PYTHONPATH=project).splitlines() == wanted
    assert run("jobs/main.py", code, "-m", "jobs.main").splitlines() == wanted
    assert run("jobs/main.py", code).splitlines()[0] == "jobs main f", "without PYTHONPATH: the script's folder"
    assert run("jobs/main.py", SHOW + f"\nshow({project!r})\n").splitlines() == wanted
    run("jobs/__init__.py", SHOW)
    assert run("start.py", "import jobs\njobs.show()").splitlines()[0] == "project jobs f"


@pytest.mark.parametrize(
    ("file", "more", "told"),
    [
        ("my-tasks.py", "show()", "'my-tasks' is no name of a module"),
        ("tasks.py", "place_of(_inner())", "has no name for the task of queue 'hidden'"),
        ("tasks.py", "show('/usr')", "project_root='/usr' does not hold"),
    ],
)
def test_what_cannot_be_imported_elsewhere_is_told(run, file, more, told):
    output = run(file, SHOW + f"\n{more}\n")
    assert "ConfigError" in output
    assert told in output


def test_a_whole_home_is_no_project(run, tmp_path):
    assert "all files below it would be uploaded" in run("../tasks.py", SHOW + "\nshow()\n", str(tmp_path / "tasks.py"))


def test_a_task_without_a_file_is_told(run):
    assert "is no file" in run("tasks.py", "", "-c", SHOW + "\nshow()\n")


HOSTILE = "a'b\"c $(touch x) `y` \\ ; rm -rf *\n&"


def test_what_goes_into_the_shell_is_quoted():
    text = script.starting(
        f"/f/{HOSTILE}",
        HOSTILE,
        "from m import f",
        python=HOSTILE,
        extra="",
        environment={"A": HOSTILE},
        attached=True,
        stop_seconds=1,
        watch_seconds=1,
    )
    words = shlex.split(text.replace("\\\n", " "), comments=True)
    assert f"/f/{HOSTILE}" in words
    assert HOSTILE in words
    assert f"A={HOSTILE}" in words
    assert "mark=" + script.mark_of(HOSTILE) in words
    assert subprocess.run(["sh", "-n"], input=text, text=True).returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="the other machine has /proc")
def test_a_process_is_alive_until_it_has_ended_also_while_it_becomes_another_program(tmp_path):
    """In that moment it has no command line; the shell that starts it looks just then."""
    program = tmp_path / "again"
    program.write_text('#!/bin/sh\nexec "$0"\n')
    program.chmod(0o755)

    def alive(times):
        text = f"{script._ENDING}for each in $(seq {times}); do alive {process.pid} || exit 1; done"
        return subprocess.run(["sh"], input=text, text=True, check=False).returncode == 0

    with subprocess.Popen([str(program)]) as process:
        try:
            assert alive(100)
        finally:
            process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not alive(1)
    assert not alive(1)


def test_marks_and_log_files():
    assert script.mark_of("queue_test30") == "fsdf_fabric_mark_queue_test30"
    assert script.mark_of("任务 1") == "fsdf_fabric_mark_任务 1"
    assert script.mark_of("a\nb\0") == "fsdf_fabric_mark_a%0Ab%00"
    assert script.log_of("q-1.x") == ".funboost/deploy/q-1.x.log"
    names = {script.log_of(queue) for queue in ("../../etc/x", ".._.._etc_x", "a/b", "a b", "a" * 300)}
    assert len(names) == 5
    assert not [name for name in names if name.count("/") != 2]
    assert script.code_of("a.b", "C.m", 2) == "from a.b import C; C.m.multi_process_consume(2)"


def test_arguments_that_cannot_work():
    for wrong in (0, -1, True, 1.5, "1); import os; (1"):
        with pytest.raises(ConfigError, match="process_num="):
            Options(processes=wrong)
    with pytest.raises(ConfigError, match="environment variable"):
        Options(environment={"A; rm": "x"})
    with pytest.raises(ConfigError, match="no regular expression"):
        Rules(("/c++/(",))
    with pytest.raises(ConfigError, match="tuple of texts"):
        Rules(excluded_suffixes=".pyc")
    assert "hunter2" not in repr(Options(environment={"A": "hunter2"}))


def test_the_documented_arguments_of_the_runner():
    assert of_runner({"hide": None, "pty": True, "warn": False}) == {
        "attached": True,
        "shown": True,
        "warn": False,
        "environment": {},
    }
    assert of_runner({}) == {"attached": False, "shown": True, "warn": False, "environment": {}}
    assert [of_runner({"hide": hide})["shown"] for hide in (False, "err", True, "out", "both")] == [
        True,
        True,
        *[False] * 3,
    ]
    with pytest.raises(ConfigError, match="timeout has no meaning here"):
        of_runner({"timeout": 1})
    with pytest.raises(ConfigError, match="hide='x'"):
        of_runner({"hide": "x"})
