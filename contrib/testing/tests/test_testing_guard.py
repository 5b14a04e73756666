"""A server ends when it is told to, whatever else happens just then."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from funboost_testing import services
from funboost_testing.calls import Call
from funboost_testing.services.redis import Redis

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")


@pytest.mark.skipif(not Redis().executable(), reason="no redis-server is installed")
def test_a_server_is_ended_although_another_process_has_inherited_the_pipe_to_its_guard():
    with Redis().start() as server:
        pipe = server._guard.stdin.fileno()
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[pipe]) as heir:
            Call(server.stop).result()
            assert heir.poll() is None
            heir.communicate(b"\n")


LATE = """
import signal, subprocess, sys, threading
import guard
kill = subprocess.Popen.kill
guard.PATIENCE = 0.1
subprocess.Popen.kill = lambda server: threading.Timer(0.5, kill, [server]).start()
guard.main([sys.executable, "-c", "import signal; signal.signal(15, signal.SIG_IGN); print(1, flush=True); signal.pause()"])
"""


def test_a_guard_does_not_end_before_a_server_that_has_to_be_killed():
    where = {**os.environ, "PYTHONPATH": str(Path(services.__file__).parent)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", LATE], env=where, **pipes) as guard:
        server = int(guard.stdout.readline())
        assert guard.stderr.readline() == b"1\n", "it does not listen to SIGTERM"
        guard.stdin.close()
        guard.wait()
        try:
            os.kill(server, 9)
            pytest.fail("it was still there")
        except ProcessLookupError:
            pass


TOLD = """
import random, signal, sys
from types import SimpleNamespace
from funboost_testing.services import cli

def told(*_):
    raise KeyboardInterrupt

signal.signal(signal.SIGALRM, told)
for _ in range(1000):
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-6, 5e-5))
        cli._up(SimpleNamespace(names=[], install=False))
    except KeyboardInterrupt:  # it had not begun to wait
        pass
"""


def test_up_hears_a_signal_that_comes_right_before_it_waits():
    subprocess.run([sys.executable, "-c", TOLD], check=True, timeout=50)
