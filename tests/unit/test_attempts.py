"""attempts and interrupting: who may end a run, who says how it ended, and that nothing is thrown after its end."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from funboost_core.consuming.attempts import Attempt
from funboost_core.consuming.interrupting import ThreadInterrupter, thrower
from funboost_core.errors import RunInterrupted
from funboost_core.ports.broker import Delivery
from funboost_core.ports.pool import Interrupter
from funboost_core.shielding import exposed, shielded

PATIENCE = 30


class Noting(Interrupter):
    def __init__(self):
        self.granted = []
        self.absorbed = 0

    def throw(self, claim):
        self.granted.append(claim())

    def absorb(self):
        self.absorbed += 1


@pytest.fixture
def attempt():
    return Attempt(Delivery(b""), Noting())


def test_the_first_one_to_interrupt_says_why(attempt):
    first, second = TimeoutError(), KeyError()
    attempt.interrupt(first)
    attempt.interrupt(second)
    assert attempt.interrupter.granted == [True, False]
    assert attempt.end() is first
    assert attempt.end() is first
    assert attempt.interrupter.absorbed == 2


def test_what_has_ended_is_not_interrupted(attempt):
    assert attempt.end() is None
    attempt.interrupt(TimeoutError())
    assert attempt.interrupter.granted == [False]
    assert attempt.end() is None
    assert attempt.interrupter.absorbed == 0


def test_one_alone_concludes(attempt):
    assert attempt.conclude("watcher")
    assert not attempt.conclude("run")


def test_of_many_threads_one_concludes():
    for _ in range(50):
        attempt, won, start = Attempt(Delivery(b""), Noting()), [], threading.Barrier(4)

        def claim(who, attempt=attempt, won=won, start=start):
            start.wait()
            if attempt.conclude(who):
                won.append(who)

        threads = [threading.Thread(target=claim, args=(object(),)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == 1


needs_throwing = pytest.mark.skipif(thrower() is None, reason="this interpreter throws nothing into threads")


@needs_throwing
def test_an_exception_never_arrives_after_the_end():
    """Runs that end at about the moment at which they are interrupted; what comes after them must be left alone."""
    interrupted = untouched = strayed = 0
    attempts, done, interval = [], threading.Event(), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def other():
        while not done.is_set():
            if attempts:
                attempts.pop().interrupt(TimeoutError())

    thread = threading.Thread(target=other)
    thread.start()
    try:
        number = 0
        while number < 3000 or min(interrupted, untouched) < 300:
            number += 1
            attempt = Attempt(Delivery(b""), ThreadInterrupter(thrower()))
            try:
                try:
                    attempts.append(attempt)
                    if number % 2:
                        time.sleep(0)  # the other thread's turn: else it seldom comes in time, on a busy machine never
                    for _ in range(number % 200 * 10):
                        pass
                except RunInterrupted:
                    pass
                error = attempt.end()
            except RunInterrupted:
                error = attempt.end()
            interrupted += error is not None
            untouched += error is None
            try:
                for _ in range(50):
                    pass
            except RunInterrupted:
                strayed += 1
    finally:
        done.set()
        thread.join()
        sys.setswitchinterval(interval)
    assert strayed == 0


def test_the_end_waits_for_what_is_just_being_thrown():
    claimed, ending, thrown = threading.Event(), threading.Event(), []

    class Late(ThreadInterrupter):
        def absorb(self):
            ending.set()
            super().absorb()

    def throw(ident, error):
        thrown.append(threading.current_thread())
        if threading.current_thread() is not thread:
            raise error
        claimed.set()
        assert ending.wait(PATIENCE)

    attempt, reason = Attempt(Delivery(b""), Late(throw)), TimeoutError()
    thread = threading.Thread(target=attempt.interrupt, args=(reason,))
    thread.start()
    assert claimed.wait(PATIENCE)
    assert attempt.end() is reason
    thread.join()
    assert thrown == [thread, threading.current_thread()], "it is thrown once more, after it was thrown"


@needs_throwing
def test_the_interpreter_does_not_look_for_it_for_ever():
    """Python 3.11 went no further where it was traced after that, as by coverage; a process of its own can be ended."""
    script = """
import subprocess
import sys
from funboost_core.consuming.attempts import Attempt
from funboost_core.consuming.interrupting import ThreadInterrupter, thrower
from funboost_core.errors import RunInterrupted
from funboost_core.ports.broker import Delivery

def run(swallows):
    attempt = Attempt(Delivery(b""), ThreadInterrupter(thrower()))
    try:
        attempt.interrupt(TimeoutError())
        while swallows:
            pass
    except RunInterrupted:
        pass
    try:
        return attempt.end()
    except RunInterrupted:
        return attempt.end()

assert isinstance(run(True), TimeoutError)
assert isinstance(run(False), TimeoutError)
sys.settrace(lambda *_: None)
(lambda: None)()
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=PATIENCE)


@needs_throwing
def test_what_was_swallowed_is_not_waited_for():
    attempt = Attempt(Delivery(b""), ThreadInterrupter(thrower()))
    thread = threading.Thread(target=attempt.interrupt, args=(TimeoutError(),))
    try:
        thread.start()
        while True:
            time.sleep(0.001)
    except RunInterrupted:
        pass  # as a function with a bare `except` does
    thread.join()
    assert isinstance(attempt.end(), TimeoutError)


@pytest.fixture
def entered():
    """A run on this thread that can be interrupted."""
    attempt = Attempt(Delivery(b""), ThreadInterrupter(thrower()))
    attempt.interrupter.enter()
    yield attempt
    attempt.interrupter.leave()
    assert not exposed


def _interrupt(attempt):
    thread = threading.Thread(target=attempt.interrupt, args=(TimeoutError(),))
    thread.start()
    thread.join()  # which is interrupted itself, where nothing shields it


@needs_throwing
def test_what_is_shielded_is_not_interrupted(entered):
    steps = []

    def work(text):
        steps.append(text)
        shielded(_interrupt, entered)  # as one call of a broker in another
        steps.append("end")

    with pytest.raises(RunInterrupted):
        shielded(work, "begin")
    assert steps == ["begin", "end"]
    assert isinstance(entered.end(), TimeoutError)


@needs_throwing
def test_what_was_thrown_before_does_not_begin_it(entered):
    begun = []
    throwing, inside, go = entered.interrupter._throw, threading.Event(), threading.Event()

    def slowly(ident, error):
        inside.set()
        assert go.wait(PATIENCE)
        throwing(ident, error)

    entered.interrupter._throw = slowly
    thread = threading.Thread(target=entered.interrupt, args=(TimeoutError(),))
    thread.start()
    assert inside.wait(PATIENCE)
    threading.Timer(0.05, go.set).start()  # while the shield is asked for: sooner would do as well
    with pytest.raises(RunInterrupted):
        shielded(begun.append, "begun")
    thread.join()
    entered.interrupter._throw = throwing
    assert not begun
    assert isinstance(entered.end(), TimeoutError)


@needs_throwing
def test_what_ended_under_the_shield_is_left_alone(entered):
    def work():
        claim = threading.Thread(target=entered.interrupt, args=(TimeoutError(),))
        claim.start()
        claim.join()
        return entered.end()  # its end comes first

    assert shielded(work) is None
    assert entered.end() is None


def test_nothing_is_shielded_outside_a_run():
    assert shielded(max, 1, 2) == 2
    assert not exposed


@needs_throwing
def test_a_run_inside_another_leaves_it_its_shield(entered):
    inner = Attempt(Delivery(b""), ThreadInterrupter(thrower()))
    inner.interrupter.enter()
    assert inner.end() is None
    inner.interrupter.leave()
    steps = []

    def work():
        _interrupt(entered)
        steps.append("end")

    with pytest.raises(RunInterrupted):
        shielded(work)
    assert steps == ["end"]
    assert entered.end() is not None
