"""Deployed to a real sshd by a program that stays attached: its output, and the end of either side."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
from funboost_deploy import StartFailed

pytestmark = pytest.mark.server


def test_attached_it_shows_its_output_and_ends_with_the_deployment(make_project, capfd):
    project = make_project()
    project.write(project.file.read_text() + "\nif __name__ != '__mp_main__': print('hello from there', flush=True)\n")
    deployment = project.deploy(attached=True)
    deployment.result(60)
    with pytest.raises(TimeoutError):
        deployment.join(0.1)
    deployment.stop()
    assert deployment.join(30) == 0
    assert "[127.0.0.1] hello from there\n" in capfd.readouterr().out
    project.wait_until_ended()


ATTACHED = """
import sys
sys.path.insert(0, {root!r})
from jobs.{module} import note
from funboost_deploy import Options, Target, deploy
made = deploy(
    note, Target({host!r}, {port}, {user!r}, pkey_file_path={key!r}, known_hosts={known!r}),
    options=Options(remote_folder={remote!r}, python=sys.executable, watch_seconds=0.5, attached=True),
    project_root={root!r},
)
made.result(60)
print("up", flush=True)
"""


def test_attached_it_ends_with_the_program_even_when_that_is_killed(make_project, tmp_path):
    project = make_project()
    machine = project.machine
    program = tmp_path / "program.py"
    program.write_text(
        ATTACHED.format(
            root=str(project.root),
            module=project.module,
            host=machine.host,
            port=machine.port,
            user=machine.user,
            key=machine.key,
            known=str(machine.known_hosts),
            remote=str(project.remote),
        )
    )
    with subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE, text=True) as process:
        assert "up\n" in iter(process.stdout.readline, "")
        assert len(project.running()) == 1
        process.kill()
    project.wait_until_ended()


FAILING = """
import sys, threading, time
def end():
    while not os.path.exists({file!r}):
        time.sleep(0.01)
    print("the last words", flush=True)
    os._exit(9)

if '-fsdfmark' in sys.argv:
    threading.Thread(target=end, daemon=True).start()
"""


def test_a_failure_later_is_an_error_or_a_warning(make_project, caplog, tmp_path):
    project, now = make_project(), tmp_path / "now"
    project.write(project.file.read_text() + FAILING.format(file=str(now)))
    for warn, level in ((False, "ERROR"), (True, "WARNING")):
        caplog.clear()
        now.unlink(missing_ok=True)
        deployment = project.deploy(attached=True, warn=warn)
        deployment.result(60)
        now.touch()
        deployment._thread.join(30)  # nobody asks: the log tells
        assert [record.levelname for record in caplog.records if "has ended" in record.message] == [level]
        if warn:
            assert deployment.join(30) is None
        else:
            with pytest.raises(StartFailed, match="has ended .*exit code 9"):
                deployment.join(30)


def test_the_last_words_are_shown_however_slow_the_machine_is(make_project, tmp_path, capfd):
    project, now, slow = make_project(), tmp_path / "now", tmp_path / "bin"
    project.write(project.file.read_text() + FAILING.format(file=str(now)))
    slow.mkdir()
    (slow / "tail").write_text(f'#!/bin/sh\nsleep 1\nexec {shutil.which("tail")} "$@"\n')
    (slow / "tail").chmod(0o755)
    deployment = project.deploy(attached=True, extra_shell=f"export PATH={slow}:$PATH")
    deployment.result(60)
    now.touch()
    with pytest.raises(StartFailed, match="(?s)exit code 9.*the last words"):
        deployment.join(30)
    assert "[127.0.0.1] the last words\n" in capfd.readouterr().out
