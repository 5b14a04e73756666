"""lifetime: a program whose main thread has ended goes on consuming, and a signal drains it."""

from __future__ import annotations

import signal

import pytest

PROGRAM = """
import atexit, os, signal, sys, threading
from funboost_core import lifetime
from funboost_core.clock import SYSTEM
from support.program import Program, message

program = Program({"BEAT_SECONDS": "0.05"}, SYSTEM)
running, go_on = threading.Event(), threading.Event()

def task(x):
    running.set()
    go_on.wait(30)
    print("ran", x, flush=True)

program.booster(task, concurrent_num=1).consume()
"""


def test_the_main_thread_may_end(run_python):
    out = run_python(
        PROGRAM
        + """
def later():
    while not lifetime._leaving:  # it stays "alive" for as long as the exit hooks run
        SYSTEM.sleep(0.001)
    program.server.put("q", message({"x": 1}))
    running.wait(30)
    go_on.set()
    program.environment.worker.stop(30)

@atexit.register
def last():
    print("drained", flush=True)

threading.Thread(target=later, daemon=True).start()
print("main ends", flush=True)
"""
    )
    assert out.splitlines() == ["main ends", "ran 1", "drained"]


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs signals")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_drains(run_python, name):
    out = run_python(
        PROGRAM
        + f"""
program.server.put("q", message({{"x": 1}}), message({{"x": 2}}))
running.wait(30)

def release():
    while not program.environment.worker.consumers() or not program.environment.worker.consumers()[0].gate.stopped:
        SYSTEM.sleep(0.001)
    go_on.set()

threading.Thread(target=release, daemon=True).start()
try:
    os.kill(os.getpid(), signal.{name})
    threading.Event().wait(30)
except (KeyboardInterrupt, SystemExit) as error:
    print(type(error).__name__, flush=True)
program.environment.worker.wait(30)
print("left", len(program.server.bodies("q")), "acked", len(program.server.acked))
"""
    )
    assert out.splitlines()[-1] == "left 1 acked 1"
    assert "ran 1" in out
    assert {"SIGTERM": "SystemExit", "SIGINT": "KeyboardInterrupt"}[name] in out
