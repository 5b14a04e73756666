"""lifetime: a program whose main thread has ended goes on consuming, and a signal drains it."""

from __future__ import annotations

import signal
import sys

import pytest

starts_threads_at_the_end = pytest.mark.skipif(
    (3, 12) <= sys.version_info < (3, 12, 3), reason="this Python starts no thread once the main one has ended"
)

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


@starts_threads_at_the_end
def test_another_thread_may_begin_to_consume_after_the_main_thread_has_ended(run_python):
    begin, rest = PROGRAM.split("program.booster(task")
    out = run_python(
        begin
        + """
def late():
    while not threading._SHUTTING_DOWN:
        SYSTEM.sleep(0.001)
    program.server.put("q", message({"x": 1}))
    program.booster(task"""
        + rest
        + """
    go_on.set()

def last():
    running.wait(30)
    program.environment.worker.stop(30)

@atexit.register
def drained():
    print("drained", flush=True)

threading.Thread(target=last, daemon=True).start()
threading.Thread(target=late).start()
"""
    )
    assert out.splitlines() == ["ran 1", "drained"]


@starts_threads_at_the_end
def test_a_program_in_which_a_task_begins_to_consume_at_the_end_is_waited_for(run_python):
    out = run_python(
        PROGRAM
        + """
other = Program({"BEAT_SECONDS": "0.05"}, SYSTEM)

def later():
    while not lifetime._leaving:
        SYSTEM.sleep(0.001)
    other.booster(lambda x: print("other ran", x, flush=True)).consume()
    program.environment.worker.stop(30)
    SYSTEM.sleep(1)  # in vain where nobody waits
    other.server.put("q", message({"x": 2}))
    while not other.server.acked:
        SYSTEM.sleep(0.001)
    other.environment.worker.stop(30)

threading.Thread(target=later, daemon=True).start()
"""
    )
    assert out.splitlines() == ["other ran 2"]


def test_a_signal_at_the_moment_at_which_it_is_caught_is_passed_on(run_python):
    begin, rest = PROGRAM.split("program.booster(task")
    out = run_python(
        begin
        + """
catch = signal.signal

def at_once(number, handler):
    catch(number, handler)
    if number == signal.SIGINT:
        signal.raise_signal(number)

signal.signal = at_once
try:
    program.booster(task"""
        + rest
        + """
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    )
    assert out.splitlines() == ["interrupted"]
