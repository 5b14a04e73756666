"""A real sshd on the loopback, which lets this very user in, and a project to deploy."""

from __future__ import annotations

import getpass
import json
import os
import sys
import textwrap
import time
from importlib import import_module, invalidate_caches
from pathlib import Path

import pytest
from funboost_deploy import Options, Target, deploy

TASKS = """
import json, os
from funboost import BoosterParams, boost

@boost(BoosterParams(queue_name={queue!r}, broker_kind="SQLITE_QUEUE"))
def note(x):
    with open({out!r}, "a") as out:
        out.write(json.dumps([x, os.getpid(), os.getcwd(), os.environ.get("GREETING")]) + "\\n")
"""


class Machine:
    """The other machine, which is this one."""

    def __init__(self, server, folder):
        self.server, self.folder = server, folder
        self.host, self.port, self.user = "127.0.0.1", server.port, getpass.getuser()
        self.key = str(server.folder / "client_key")
        self.known_hosts = folder / "known_hosts"
        public = (server.folder / "host_key.pub").read_text().split()
        self.known = f"[127.0.0.1]:{self.port} {public[0]} {public[1]}\n"
        self.known_hosts.write_text(self.known)

    def target(self, **changed):
        login = {"pkey_file_path": self.key, "known_hosts": self.known_hosts, **changed}
        return Target(self.host, self.port, self.user, **login)


@pytest.fixture
def machine(sshd_server, tmp_path, monkeypatch):
    """The server of the test run; the user who runs the tests has no keys and no agent."""
    url, server = sshd_server
    if server is None:
        pytest.skip(f"{url} is another machine: these tests look at its files and processes")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return Machine(server, tmp_path)


class Project:
    """A folder with a task in the module ``jobs.tasks_<number>``, and where it is deployed to."""

    count = 0

    def __init__(self, folder, queue, machine):
        Project.count += 1
        self.machine = machine
        self.queue = f"{queue}{os.getpid()}-{Project.count}"  # nobody else's processes have this mark
        self.root, self.remote = folder / "project", folder / "there"
        self.out, self.data = folder / "out.txt", folder / "data"
        self.module = f"tasks_{os.getpid()}_{Project.count}"
        (self.root / "jobs").mkdir(parents=True)
        self.write(TASKS.format(queue=self.queue, out=str(self.out)))
        self.environment = {"FUNBOOST_DATA_DIR": str(self.data), "GREETING": "it's $HOME"}
        self.started = []

    @property
    def file(self):
        return self.root / "jobs" / f"{self.module}.py"

    def write(self, text):
        self.file.write_text(textwrap.dedent(text))

    @property
    def task(self):
        sys.path.insert(0, str(self.root))
        invalidate_caches()
        try:
            return import_module(f"jobs.{self.module}").note
        finally:
            sys.path.remove(str(self.root))
            sys.modules.pop("jobs", None)  # the next project has a package of that name too

    def deploy(self, rules=None, dry_run=False, target=None, task=None, **options):
        options = {"remote_folder": str(self.remote), "python": sys.executable, "watch_seconds": 0.5, **options}
        made = deploy(
            task or self.task,
            target or self.machine.target(),
            rules=rules,
            options=Options(environment=self.environment, **options),
            project_root=self.root,
            dry_run=dry_run,
        )
        self.started.append(made)
        return made

    def lines(self, count):
        """What the task has noted, once there are so many lines."""
        end = time.monotonic() + 40
        while time.monotonic() < end:
            lines = self.out.read_text().splitlines() if self.out.exists() else []
            if len(lines) >= count:
                return [json.loads(line) for line in lines]
            time.sleep(0.02)  # another process writes them
        raise AssertionError(f"{count} lines were awaited: {lines}")

    def running(self):
        """The processes with the mark of this queue.

        A child of one of them has it too until it is a program of its own: that moment is waited for.
        """
        word = f"fsdf_fabric_mark_{self.queue}".encode()
        end = time.monotonic() + 30
        while True:
            found = [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if words(pid)[-1:] == [word]]
            if not {parent(pid) for pid in found} & set(found) or time.monotonic() > end:
                return found
            time.sleep(0.02)  # they are no children of this process

    def wait_until_ended(self):
        end = time.monotonic() + 30
        while self.running() and time.monotonic() < end:
            time.sleep(0.02)  # they are no children of this process
        assert not self.running()


def words(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]
    except OSError:
        return []


def parent(pid):
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


@pytest.fixture
def make_project(tmp_path, machine, monkeypatch):
    """``make_project(queue="...")``; what it has started is ended with the test."""
    made = []

    def make(queue="deploy", folder="place"):
        made.append(Project(tmp_path / folder, queue, machine))
        monkeypatch.setenv("FUNBOOST_DATA_DIR", str(made[-1].data))  # where the test itself publishes
        return made[-1]

    yield make
    for project in made:
        if project.running():
            project.started[-1].stop()
        assert not project.running()
        for deployment in project.started:
            deployment._thread.is_alive() and deployment._thread.join(20)
