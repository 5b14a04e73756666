"""supervisor: children are started again after growing pauses, and told to drain by the end of their pipe."""

from __future__ import annotations

import logging
import multiprocessing
import multiprocessing.connection
import os
import sys

import pytest
from support.program import add

from funboost_core import ConfigError, reaping, supervisor
from funboost_core.errors import CapabilityMissing
from funboost_core.native import Condition

PATIENCE = 30


class Process:
    """Plays a child; `end` ends it."""

    def __init__(self, context, args):
        self.context, self.args = context, args
        self.exitcode = None
        self.pid = None
        self.sentinel, self._alive = multiprocessing.Pipe(duplex=False)

    def start(self):
        if self.context.refuse:
            raise self.context.refuse.pop()
        with self.context.changed:
            self.context.started.append(self)
            self.pid = len(self.context.started)
            self.context.changed.notify_all()

    def is_alive(self):
        return self.pid is not None and self.exitcode is None

    def end(self, exitcode):
        self.exitcode = exitcode
        self._alive.close()

    def join(self, timeout):
        self.context.joined.append((self.pid, timeout))

    def kill(self):
        self.context.killed.append(self.pid)
        self.end(-9)


class Context:
    """Plays multiprocessing."""

    def __init__(self, method="spawn"):
        self.method = method
        self.changed = Condition()
        self.started, self.refuse, self.joined, self.killed = [], [], [], []

    def get_start_method(self):
        return self.method

    def Pipe(self, duplex):
        return multiprocessing.Pipe(duplex)

    def Process(self, target, args, name):
        assert name == "funboost-q"
        assert target is (supervisor._forked if self.method == "fork" else supervisor._spawned)
        return Process(self, args)

    def until(self, condition):
        with self.changed:
            assert self.changed.wait_for(condition, PATIENCE)


@pytest.fixture
def context(monkeypatch):
    made = Context()
    monkeypatch.setattr(supervisor, "_context", lambda task: made)
    return made


@pytest.fixture
def watching(program, context):
    """A supervisor; its thread has ended afterwards."""
    made = supervisor.Supervisor(program.environment)
    yield made
    made.stop()
    for process in context.started:
        if process.is_alive():
            process.end(0)
    thread = made._thread
    if thread is not None:
        program.clock.advance(60)
        thread.join(PATIENCE)
        assert not thread.is_alive()
    made.join(0)


def child(program, context):
    return supervisor._Child(program.task(), context, program.environment)


def test_pauses_grow_while_a_child_keeps_failing_and_a_long_life_forgives(program, context):
    made, pauses = child(program, context), []
    for _ in range(12):
        made.process.end(1)
        made.died()
        pauses.append(made.due - program.clock.monotonic())
        made.start()
    assert pauses[:3] == pytest.approx([0.2, 0.4, 0.8])
    assert pauses == sorted(pauses)
    assert pauses[-1] == pytest.approx(30)
    program.clock.advance(6)
    made.process.end(1)
    made.died()
    assert made.due == program.clock.monotonic()
    made.drain()


def test_a_child_that_ended_well_is_replaced_at_once(program, context, caplog):
    made = child(program, context)
    made.process.end(0)
    made.died()
    assert made.due == program.clock.monotonic()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_spawned_child_gets_queue_module_and_the_reading_end_only(program, context):
    made = child(program, context)
    queue, module, pipe = made.process.args
    assert (queue, module) == ("q", add.__module__)
    assert pipe.closed  # the parent's copy of it
    assert not made.pipe.closed
    made.drain()
    made.drain()
    assert made.pipe.closed
    assert made.due is None


def test_a_forked_process_lets_go_of_the_ends_of_all_children(program, make_program):
    """Whoever forked it, and whichever program of this process has the children: their parent is this process alone."""
    context = Context("fork")
    children = [child(each, context) for each in (program, program, make_program())]
    reaping._let_go()
    assert all(one.pipe.closed for one in children)


@pytest.mark.skipif(sys.platform == "win32", reason="there nobody inherits what he is not given")
def test_a_child_is_told_to_drain_though_another_process_has_a_copy_of_the_end(program, context, monkeypatch):
    readers = []
    monkeypatch.setattr(Process, "start", lambda self: readers.append(os.dup(self.args[-1].fileno())))
    made = child(program, context)
    copy = os.dup(made.pipe.fileno())
    reader = multiprocessing.connection.Connection(readers.pop(), writable=False)
    made.drain()
    try:
        assert reader.poll(PATIENCE)
        assert reader.recv() is None
    finally:
        os.close(copy)
        reader.close()


def test_the_mark_of_children_is_set_only_while_they_start(program, context, monkeypatch):
    seen = []
    monkeypatch.setattr(Process, "start", lambda self: seen.append(os.environ.get("FUNBOOST_CHILD_OF")))
    child(program, context).drain()
    assert seen == [str(os.getpid())]
    assert "FUNBOOST_CHILD_OF" not in os.environ


def test_dead_children_are_started_again(program, context, watching):
    watching.start(program.task(), 3)
    assert watching.pids == [1, 2, 3]
    assert watching.active
    program.clock.advance(60)
    context.started[1].end(1)
    context.until(lambda: len(context.started) == 4)
    assert sorted(watching.pids) == [1, 3, 4]


def test_a_program_does_not_end_between_the_death_of_a_child_and_its_replacement(
    program, context, watching, monkeypatch
):
    watching.start(program.task(), 1)
    monkeypatch.setattr(supervisor._Child, "died", lambda child: None)  # the supervisor has not noticed yet
    context.started[0].end(0)
    assert watching.active


def test_no_new_process_now_means_later_and_not_never(program, context, watching, caplog):
    watching.start(program.task(), 1)
    program.clock.advance(60)
    context.refuse = [OSError("no more processes")]
    context.started[0].end(1)
    program.clock.until_waiting(1)
    assert "no more processes" in caplog.text
    assert watching.active
    program.clock.advance(1)
    context.until(lambda: len(context.started) == 2)


def test_stopping_closes_all_pipes_and_nobody_is_started_again(program, context, watching):
    watching.start(program.task(), 2)
    watching.stop()
    assert all(one.pipe.closed for one in watching._children)
    for process in context.started:
        process.end(0)
    assert not watching.active
    assert watching.join(10) is True
    assert len(context.started) == 2
    assert context.killed == []


def test_after_stopping_it_can_start_anew(program, context, watching):
    for round_ in (1, 2):
        watching.start(program.task(), 1)
        program.clock.advance(60)
        context.started[-1].end(1)
        context.until(lambda round_=round_: len(context.started) == 2 * round_)
        watching.stop()
        context.started[-1].end(0)
        watching.join(1)


def test_who_drains_is_not_started_again_when_others_start_meanwhile(program, context, watching):
    watching.start(program.task(), 1)
    watching.stop()
    watching.start(program.task(), 1)
    context.started[0].end(0)
    assert watching.join(1) is True
    assert watching.pids == [2]
    program.clock.advance(60)
    context.started[1].end(1)
    context.until(lambda: len(context.started) == 3)
    assert [one.process.pid for one in watching._children] == [3]


def test_a_worker_that_has_ended_once_ends_its_children_too(program, context):
    booster, worker = program.booster(), program.environment.worker
    booster.consume()
    worker.stop(0)
    worker.multi_process_consume(booster.task, 1)
    worker.stop(0)
    assert context.killed == [1]
    assert not worker.active


def test_who_does_not_end_is_ended(program, context, watching):
    watching.start(program.task(), 2)
    watching.stop()
    context.started[0].end(0)
    assert watching.join(7) is False
    assert context.killed == [2]
    assert context.joined[0] == (1, 8)


def test_a_queue_within_one_process_is_refused(program):
    with pytest.raises(CapabilityMissing, match=r"BARE.*multi_process_consume.*CROSS_PROCESS"):
        supervisor.Supervisor(program.environment).start(program.task(broker_kind="BARE"), 1)


def test_functions_that_can_be_imported_are_spawned(program):
    assert supervisor._context(program.task()).get_start_method() == "spawn"


@pytest.mark.parametrize("can_fork", [True, False])
def test_others_are_forked_or_refused_by_name(program, monkeypatch, can_fork):
    methods = ["spawn", "fork"] if can_fork else ["spawn"]
    monkeypatch.setattr(multiprocessing, "get_all_start_methods", lambda: methods)

    def local(x): ...

    if can_fork:
        if sys.platform != "win32":
            assert supervisor._context(program.task(local)).get_start_method() == "fork"
    else:
        with pytest.raises(ConfigError, match=r"local of queue 'q' cannot be imported.*top level of a module"):
            supervisor._context(program.task(local))
