"""Deployed to a real sshd: uploaded, started, consuming, replaced, ended."""

from __future__ import annotations

import os
import secrets
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from funboost_deploy import DeployError, Rules, StartFailed, UploadFailed

pytestmark = pytest.mark.server


def publish(project, *numbers):
    """By a program of its own: the default environment of this process has its files elsewhere."""
    code = f"from jobs.{project.module} import note\nfor x in {numbers!r}: note.push(x)"
    environment = {**os.environ, **project.environment, "PYTHONPATH": str(project.root)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, cwd=project.root)


def group(leader):
    """The living processes of a group."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            state, _, pgrp = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if state != "Z" and int(pgrp) == leader:
            found.append(int(pid))
    return found


def test_it_consumes_there_and_is_replaced_by_the_next_one(make_project):
    project = make_project()
    run = project.deploy(processes=2).result(60)
    assert project.running() == [run.pid]
    publish(project, 1, 2)
    lines = project.lines(2)
    assert sorted(line[0] for line in lines) == [1, 2]
    assert run.pid not in {line[1] for line in lines}, "children consume"
    assert {line[2] for line in lines} == {str(project.remote)}
    assert {line[3] for line in lines} == {"it's $HOME"}
    assert os.getsid(run.pid) == run.pid, "it lives on when the session ends"

    second = project.deploy().result(60)
    assert project.running() == [second.pid]
    assert second.uploaded == ()
    assert os.path.exists(run.log + ".1"), "the output of the one before"
    publish(project, 3)
    assert project.lines(3)[2][0] == 3


def test_only_what_has_changed_is_uploaded_and_nobody_sees_half_of_it(make_project):
    project = make_project()
    (project.root / "name with 'quotes' and $(touch x) ;.txt").write_text("a")
    (project.root / "deep" / "deeper").mkdir(parents=True)
    (project.root / "deep" / "deeper" / "b.txt").write_text("b")
    script = project.root / "run.sh"
    script.write_text("c")
    script.chmod(0o755)
    key = project.root / "keys.py"  # a `funboost_config.py` would become the configuration of this process as well
    key.write_text("SECRET_KEY = 'x'")
    key.chmod(0o400)
    first = project.deploy().result(60)
    assert len(first.uploaded) == 5
    assert (project.remote / "name with 'quotes' and $(touch x) ;.txt").read_text() == "a"
    assert stat.S_IMODE((project.remote / "run.sh").stat().st_mode) == 0o755
    assert stat.S_IMODE((project.remote / "keys.py").stat().st_mode) == 0o400
    inode = (project.remote / "run.sh").stat().st_ino

    script.write_text("cd")
    key.chmod(0o600)
    key.write_text("SECRET_KEY = 'y'")
    os.utime(key, (1_700_000_000, 1_700_000_000))
    assert sorted(project.deploy().result(60).uploaded) == ["keys.py", "run.sh"]
    assert (project.remote / "run.sh").stat().st_ino != inode, "replaced, not written over"
    assert not [name for name in os.listdir(project.remote) if name.endswith("part")]


def test_hostile_names_do_no_harm(make_project, tmp_path):
    harm = tmp_path / "harm"
    project = make_project(queue=f"\"; touch {harm}; echo '$(touch {harm})`touch {harm}`\n", folder="a 'b\" $(c)\\;")
    project.deploy().result(60)
    assert project.remote.is_dir()
    publish(project, 1)
    assert project.lines(1)[0][0] == 1
    project.started[-1].stop()
    assert not harm.exists()


def test_a_task_that_cannot_start_shows_why(make_project):
    project = make_project()
    deployment = project.deploy()
    deployment.result(60)
    project.write(project.file.read_text() + "\nraise OSError('no license')\n")
    with pytest.raises(StartFailed, match=r"(?s)ended at once on 127.0.0.1 \(exit code 1\).*no license") as caught:
        project.deploy().result(60)
    assert caught.value.code == 1
    slow = "import subprocess\nsubprocess.run(['sleep', '1.5'])\n"  # longer than it is watched, by a child that is no consumer
    project.write(slow + project.file.read_text())
    with pytest.raises(StartFailed, match="no license"):
        project.deploy().result(60)
    with pytest.raises(StartFailed, match=r"(?s)exit code 127.*no-such-python"):
        project.deploy(python="no-such-python").result(60)
    with pytest.raises(StartFailed, match=r"(?s)start has failed.*exit code 3.*no venv"):
        project.deploy(extra_shell="echo no venv; exit 3").result(60)


def test_shell_text_of_the_user_is_run_and_what_it_exports_arrives(make_project):
    project = make_project()
    project.deploy(extra_shell="set -eu; cd /; export PYTHONPATH=/nowhere GREETING='from the shell'").result(60)
    publish(project, 1)
    assert project.lines(1)[0][2:] == [str(project.remote), "from the shell"]


def test_nothing_secret_is_in_the_list_of_processes(make_project):
    project, secret = make_project(), secrets.token_hex(16)  # which no other process of this machine has either
    project.environment["SECRET"] = secret
    run = project.deploy(extra_shell=f"export OTHER={secret}; ps -eo args > everything.txt").result(60)
    listed = (project.remote / "everything.txt").read_text()
    assert "/bin/sh -s" in listed
    assert secret not in listed
    assert secret not in Path(f"/proc/{run.pid}/cmdline").read_text()


def test_what_does_not_end_is_killed_with_its_children(make_project):
    project = make_project()
    run = project.deploy().result(60)
    assert len(group(run.pid)) > 1
    os.killpg(run.pid, signal.SIGSTOP)  # they hear nothing
    assert project.deploy(stop_seconds=0.3).result(60).pid != run.pid
    end = time.monotonic() + 30
    while group(run.pid) and time.monotonic() < end:
        time.sleep(0.02)  # nobody tells when a killed process has gone; those that were not killed stand still for ever
    assert not group(run.pid)


def test_what_two_tasks_share_is_uploaded_once(make_project):
    project = make_project()
    other = f"{project.queue}-other"
    project.write(
        project.file.read_text()
        + f"\n@boost(BoosterParams(queue_name={other!r}, broker_kind='SQLITE_QUEUE'))\ndef other(x): ...\n"
    )
    for number in range(30):
        (project.root / f"file{number}.txt").write_text("x")
    first = project.deploy()
    second = project.deploy(task=sys.modules[project.task.__module__].other)
    try:
        assert sorted([len(first.result(60).uploaded), len(second.result(60).uploaded)]) == [0, 31]
        assert project.running() == [first.result().pid], "the mark of another queue is another mark"
    finally:
        second.stop()
        first.stop()


def test_a_dry_run_prints_what_would_be_done_and_changes_nothing(make_project, capsys, tmp_path):
    project = make_project()
    project.environment["SECRET"] = "hunter2"
    before = sorted(map(str, tmp_path.rglob("*")))
    plan = project.deploy(dry_run=True).plan
    shown = capsys.readouterr().out
    assert plan.files == (f"jobs/{project.module}.py",)
    for part in (
        str(project.remote),
        project.file.name,
        "multi_process_consume(1)",
        f"-fsdfmark fsdf_fabric_mark_{project.queue}",
    ):
        assert part in shown
    assert "hunter2" not in shown
    assert not project.running()
    assert not project.remote.exists()
    assert sorted(set(map(str, tmp_path.rglob("*"))) - set(before)) == [
        each for each in sorted(map(str, tmp_path.rglob("*"))) if "__pycache__" in each
    ]
    with pytest.raises(DeployError, match="dry run"):
        project.started[-1].result(1)


def test_what_is_deployed_does_not_deploy_in_turn(make_project, monkeypatch, caplog):
    """Its module may call `fabric_deploy` at the top level."""
    project = make_project()
    monkeypatch.setattr(sys, "argv", ["-c", "-fsdfmark", "fsdf_fabric_mark_q"])
    deployment = project.deploy()
    assert deployment.join(1) is None
    assert "Put it under `if __name__" in caplog.text
    assert not project.remote.exists()
    with pytest.raises(DeployError, match="Nothing has been started"):
        deployment.result(1)


def test_a_folder_that_cannot_be_written_is_named(make_project, tmp_path):
    project = make_project()
    (tmp_path / "file").write_text("")
    with pytest.raises(UploadFailed, match="there is a file of that name"):
        project.deploy(remote_folder=str(tmp_path / "file")).result(60)


def test_rules_are_kept(make_project):
    project = make_project()
    for name in (
        "old.txt",
        "big.txt",
        "a.log",
        "dist/x.py",
        ".funboost/queues.sqlite3",
        "venv/pyvenv.cfg",
        "secret.env",
    ):
        (project.root / name).parent.mkdir(exist_ok=True)
        (project.root / name).write_text("x" * (2000 if name == "big.txt" else 1))
    os.utime(project.root / "old.txt", (1, 1))
    os.mkfifo(project.root / "pipe")
    rules = Rules(("/dist/", r"\.env$"), (".log",), newest_seconds=3600, largest_bytes=1000)
    deployment = project.deploy(rules=rules)
    assert deployment.result(60).uploaded == (f"jobs/{project.module}.py",)
    assert deployment.plan.left_out == {
        "excluded path": 3,
        "virtual environment": 1,
        "too old": 1,
        "over 1000 bytes": 1,
        "excluded suffix": 1,
        "no regular file": 1,
    }
