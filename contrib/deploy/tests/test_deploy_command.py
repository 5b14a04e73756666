"""The command line: ``funboost deploy``."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.server


def test_the_command(make_project, tmp_path):
    project = make_project()
    known = tmp_path / "home" / ".ssh" / "known_hosts"

    def run(*words):
        where = f"{project.machine.user}@127.0.0.1:{project.machine.port}"
        options = [f"--pkey_file_path={project.machine.key}", f"--remote_folder={project.remote}", *words]
        command = [f"--import_modules_str=jobs.{project.module}", "deploy", project.queue, where, *options]
        return subprocess.run(
            [sys.executable, "-m", "funboost", *command],
            cwd=project.root,
            env={**os.environ, "HOME": str(tmp_path / "home")},
            capture_output=True,
            text=True,
        )

    refused = run()
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.count("accept_new_host_key=True") == 1
    dry = run("--accept_new_host_key", "--dry_run", "--json")
    assert json.loads(dry.stdout)["files"] == [f"jobs/{project.module}.py"]
    assert known.read_text() == project.machine.known
    assert not project.remote.exists()

    started = run(f"--python_interpreter={sys.executable}")
    assert started.returncode == 0, started.stderr
    try:
        [pid] = project.running()
        assert f"1 files uploaded, runs on 127.0.0.1 as process {pid}, log {project.remote}/" in started.stdout
    finally:
        for pid in project.running():
            os.kill(pid, 15)
        project.wait_until_ended()
    assert run("--process_num=0").returncode == 2
