"""The command line as it is started: python -m funboost, funboost_cli_user.py, reloading; in processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from funboost.cli import reloading
from funboost.configuration import generate

WAIT = 120
TASKS = """
from funboost import boost, BoosterParams

@boost(BoosterParams(queue_name="add", log_level=40))
def add(x, y=0):
    print(f"ran {x} {y}\\n", end="", flush=True)

@boost(BoosterParams(queue_name="other", log_level=40))
def other(x):
    print(f"other {x}\\n", end="", flush=True)
"""
TELLING = """
import os, signal, threading, time

def tell():
    while getattr(signal.getsignal(signal.SIGINT), "__module__", "") != "funboost.keep_alive":
        time.sleep(0.01)
    print("Ctrl-C is waited for\\n", end="", flush=True)

if os.getppid() == TEST:  # not its child processes
    threading.Thread(target=tell, daemon=True).start()
"""


class Project:
    """A folder with tasks, and the programs that are started in it."""

    def __init__(self, folder):
        self.folder = folder
        self._running = []
        (folder / "jobs").mkdir(parents=True)
        (folder / "jobs" / "defined.py").write_text(TASKS, encoding="utf-8")

    def start(self, *words, cwd=None):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FUNBOOST_")}
        process = subprocess.Popen(
            [sys.executable, *map(str, words)],
            cwd=cwd or self.folder.parent,
            env={
                **kept,
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                "XDG_DATA_HOME": str(self.folder.parent / "home"),
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._running.append(process)
        return process

    def run(self, *words, code=0, cwd=None):
        process = self.start(*words, cwd=cwd)
        output, _ = process.communicate(timeout=WAIT)
        assert process.returncode == code, output
        return output

    def end(self):
        for process in self._running:
            process.kill()
            process.stdout.close()
            process.wait()


@pytest.fixture
def project(tmp_path):
    project = Project(tmp_path / "project")
    yield project
    project.end()


def read_until(process, wanted):
    for text in process.stdout:
        if text.startswith(wanted):
            return text
    raise AssertionError(f"it ended with {process.wait()} and without {wanted!r}")


def test_the_documented_command_lines(project, no_config):
    """From another folder; the project's own program and the module find the same queues, and child processes too."""
    root, module = project.folder, ["-m", "funboost", f"--project_root_path={project.folder}"]
    generate.write(root)
    own = [root / "funboost_cli_user.py"]
    assert "jobs.defined.add" in project.run(*module, "--booster_dirs_str=jobs", "--max_depth=2", "show_all_queues")
    assert "published add_result:" in project.run(*own, "-booster_dirs_str=jobs", "push", "add", "1", "--y=2")
    project.run(*own, "--import_modules_str", "jobs.defined", "publish", "other", "{'x': 'text'}")
    (root / "jobs" / "telling.py").write_text(TELLING.replace("TEST", str(os.getpid())), encoding="utf-8")
    modules = "--import_modules_str=jobs.defined,jobs.telling"
    worker = project.start(*module, modules, "m_consume", "--add=1", "--other=1")
    seen = {read_until(worker, ("ran", "other", "Ctrl-C")) for _ in range(3)}
    assert seen == {"ran 1 2\n", "other text\n", "Ctrl-C is waited for\n"}
    worker.send_signal(signal.SIGINT)
    worker.communicate(timeout=WAIT)
    assert worker.returncode == 0
    assert (root / ".funboost").is_dir()


def test_what_a_user_adds_to_the_program_of_the_project(project, no_config):
    generate.write(project.folder)
    program = project.folder / "funboost_cli_user.py"
    text = program.read_text(encoding="utf-8")
    assert "    # BoosterDiscovery(" in text
    text = text.replace("    # BoosterDiscovery(", "    BoosterDiscovery(").replace('["tasks"]', '["jobs"]')
    program.write_text(text, encoding="utf-8")
    project.run(program, "push", "add", "1")
    worker = project.start(program, "consume", "add", "other")
    assert read_until(worker, "ran") == "ran 1 0\n"
    worker.terminate()
    output, _ = worker.communicate(timeout=WAIT)
    assert worker.returncode in (0, -signal.SIGTERM), output


def test_queues_of_a_project_without_configuration_are_those_of_its_scripts(project):
    script = project.folder / "publish.py"
    script.write_text("from jobs.defined import add\nadd.push(7)\n", encoding="utf-8")
    project.run(script)
    found = project.run(
        "-m",
        "funboost",
        "--import_modules_str=jobs.defined",
        "show_all_queues",
        "--count",
        "--json",
        cwd=project.folder,
    )
    assert {row["queue"]: row["waiting"] for row in json.loads(found)} == {"add": 1, "other": 0}
    assert sorted(path.name for path in project.folder.iterdir()) == ["jobs", "publish.py"]


def test_a_child_s_exit_code_is_that_of_the_error(project):
    assert "no dict" in project.run("-m", "funboost", "publish", "add", "{x:1}", code=2)
    assert "broken" in project.run("-c", "raise SystemExit('broken')", code=1)  # the test itself sees codes


def test_reloading(project):
    worker = project.start(
        "-m", "funboost", "run", project.folder / "jobs" / "defined.py", "--reload", cwd=project.folder
    )
    push = ["-m", "funboost", "--import_modules_str=jobs.defined", "push", "add"]
    project.run(*push, "1", cwd=project.folder)
    assert read_until(worker, "ran") == "ran 1 0\n"
    defined, written = project.folder / "jobs" / "defined.py", project.folder / "written"
    written.write_text(TASKS.replace("ran", "changed"), encoding="utf-8")
    os.utime(written, (time.time() + 5, time.time() + 5))
    written.replace(defined)  # one change: a second one would end the worker again
    assert "has changed: starting anew" in read_until(worker, str(defined))
    project.run(*push, "2", cwd=project.folder)
    assert read_until(worker, "changed") == "changed 2 0\n"
    worker.terminate()
    assert worker.wait(WAIT) == (128 + signal.SIGTERM if os.name == "posix" else 1)


class Worker:
    """A process that has been started; a signal comes before whoever starts it knows it."""

    def __init__(self, started, number):
        self.returncode, self.waits = None, 0
        started.append(self)
        signal.raise_signal(number)

    def poll(self):
        return self.returncode

    def wait(self, timeout=None):
        self.waits += 1
        if self.returncode is None:
            raise subprocess.TimeoutExpired("worker", timeout)

    def terminate(self):
        self.returncode = -signal.SIGTERM


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_that_is_just_being_started_ends_too(monkeypatch, tmp_path, number):
    started, handlers = [], [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)]
    monkeypatch.setattr(reloading.subprocess, "Popen", lambda words: Worker(started, number))
    try:
        if number == signal.SIGTERM:
            with pytest.raises(SystemExit) as ended:
                reloading.watch(tmp_path)
            assert ended.value.code == 128 + signal.SIGTERM
        else:
            reloading.watch(tmp_path)
            assert started[0].waits >= 1  # it has got Ctrl-C itself
        assert [worker.returncode for worker in started] == [-signal.SIGTERM]
        assert [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)] == handlers
    finally:
        for each, handler in zip((signal.SIGTERM, signal.SIGINT), handlers):
            signal.signal(each, handler)


def test_reloading_looks_at_the_files_of_the_project_alone(tmp_path):
    for name in ("a.py", "deep/b.py", "site-packages/c.py", ".hidden/d.py", "text.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("", encoding="utf-8")
    assert {os.path.basename(path) for path, _ in reloading.snapshot(tmp_path)} == {"a.py", "b.py"}


@pytest.mark.parametrize(
    ("program", "start"),
    [
        ("/venv/bin/funboost", ["-m", "funboost"]),
        ("/site-packages/funboost/__main__.py", ["-m", "funboost"]),
        ("/project/funboost_cli_user.py", ["/project/funboost_cli_user.py"]),
    ],
)
def test_what_is_started_again(monkeypatch, program, start):
    monkeypatch.setattr(sys, "argv", [program, "run", "tasks", "--reload", "--queues=a"])
    assert reloading.command() == [sys.executable, *start, "run", "tasks", "--queues=a"]
