"""Moving queues: the documented functions, exit codes, other brokers, exact bytes, nothing lost."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading

import pytest
from funboost import BoosterParams, boost
from funboost.contrib import queue2queue
from funboost.contrib.queue2queue import (
    consume_and_push_to_another_queue,
    multi_prcocess_queue2queue,
    multi_process_queue2queue,
    relay,
)
from funboost_testing.faults import Faults, cut

from funboost_core import redrive
from funboost_core.errors import CapabilityMissing
from funboost_core.task import Task

BODIES = [b"\xff no message", b"{", b"", b'{"x": 1}', b'{ "x":2, "extra": {"task_id": 7, "countdown": 3600} }']
WAIT = 50


def fetched(environment, queue, kind):
    broker = Task(BoosterParams(queue_name=queue, broker_kind=kind), None, environment).make_broker()
    broker.listen()
    found = [(bytes(d.body) if isinstance(d.body, bytes) else d.body, d.attempts) for d in broker.fetch(1000, 0)]
    broker.close()
    return found


def count(environment, queue, kind):
    broker = Task(BoosterParams(queue_name=queue, broker_kind=kind), None, environment).make_broker()
    try:
        return broker.count()
    finally:
        broker.close()


@pytest.fixture
def move(environment, tmp_path):
    """Move everything of one queue to another, in this process."""
    environment.settings.defaults["DATA_DIR"] = str(tmp_path)

    def move(*transfer):
        for _ in range(20):  # what looked quiet for a moment may have been a thread that had no turn
            task = relay(transfer, 10, environment)
            task.consume()
            task.wait_for_possible_has_finish_all_tasks(0.002)
            assert environment.worker.stop()
            if not count(environment, *transfer[:2]):
                break

    return move


@pytest.mark.parametrize("source", ["MEMORY_QUEUE", "SQLITE_QUEUE"])
@pytest.mark.parametrize("target", ["MEMORY_QUEUE", "SQLITE_QUEUE"])
def test_to_the_byte_between_all_brokers(environment, move, source, target):
    sender = boost(BoosterParams(queue_name="a", broker_kind=source), environment=environment)(lambda x: x)
    for body in BODIES:
        sender.send_msg(body)
    move("a", source, "b", target)
    assert count(environment, "a", source) == 0
    assert sorted(body for body, _ in fetched(environment, "b", target)) == sorted(BODIES)


def test_objects_become_text_and_keep_their_extra(environment, move):
    sender = boost(BoosterParams(queue_name="a", broker_kind="MEMORY_QUEUE"), environment=environment)(lambda x: x)
    sender.publish({"x": 1}, task_id="mine")
    move("a", "MEMORY_QUEUE", "b", "SQLITE_QUEUE")
    ((body, _),) = fetched(environment, "b", "SQLITE_QUEUE")
    assert body.startswith(b'{"x":1,"extra":{"task_id":"mine"')


@pytest.mark.parametrize("kind", ["MEMORY_QUEUE", "SQLITE_QUEUE"])
def test_dead_letters_become_what_they_were(environment, move, kind, calls):
    task = boost(BoosterParams(queue_name="q", broker_kind=kind), environment=environment)(lambda x: 1 / x)
    for body in BODIES[:3]:
        task.send_msg(body)
    task.publish({"x": 0}, task_id="zero")
    params = BoosterParams(
        queue_name="q", broker_kind=kind, dead_letter_for=(ZeroDivisionError,), is_print_detail_exception=False
    )
    dying = boost(params, environment=environment)(lambda x: 1 / x)
    dying.consume()
    for _ in range(5000):
        if count(environment, "q_dlx", kind) == 4:
            break
        threading.Event().wait(0.01)
    assert environment.worker.stop()
    assert count(environment, "q_dlx", kind) == 4
    move("q_dlx", kind, "q", kind)
    assert count(environment, "q_dlx", kind) == 0
    bodies = [body for body, _ in fetched(environment, "q", kind)]
    assert sorted(body for body in bodies if body in BODIES) == sorted(BODIES[:3])
    (other,) = (body for body in bodies if body not in BODIES)
    assert b"dead_letter" not in str(other).encode()
    assert redrive("q", kind, dry_run=True, environment=environment) == 0


@pytest.mark.parametrize("step", ["publish", "ack", "turn", "requeue"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_cut_at_any_step_nothing_is_lost(environment, move, step, after):
    sender = boost(BoosterParams(queue_name="a", broker_kind="SQLITE_QUEUE"), environment=environment)(lambda x: x)
    sender.push_many([{"x": n} for n in range(20)])
    with Faults(environment, "SQLITE_QUEUE") as faults:
        if step == "requeue":
            faults.at("publish", cut(), nth=5)
        faults.at(step, cut(), after=after, nth=5 if step in ("publish", "ack") else 1, times=2)
        move("a", "SQLITE_QUEUE", "b", "SQLITE_QUEUE")
    move("a", "SQLITE_QUEUE", "b", "SQLITE_QUEUE")
    bodies = [body for body, _ in fetched(environment, "b", "SQLITE_QUEUE")]
    assert len(set(bodies)) == 20
    assert len(bodies) - 20 <= (2 if after else 0)


def test_a_message_that_killed_workers_is_moved_all_the_same(environment, move):
    from funboost_core import Outgoing

    broker = Task(BoosterParams(queue_name="a_dlx", broker_kind="SQLITE_QUEUE"), None, environment)
    environment.settings.defaults.setdefault("DATA_DIR", ".")
    opened = broker.make_broker()
    opened.publish([Outgoing(b'{"x": 1}', attempts=50)])
    opened.close()
    move("a_dlx", "SQLITE_QUEUE", "a", "SQLITE_QUEUE")
    assert fetched(environment, "a", "SQLITE_QUEUE") == [(b'{"x": 1}', 1)]


def test_what_makes_no_sense_is_refused(environment, monkeypatch):
    monkeypatch.setattr(queue2queue, "default", lambda: environment)
    assert multi_prcocess_queue2queue is multi_process_queue2queue
    for same in ("MEMORY_QUEUE", "memory_queue", "LOCAL_PYTHON_QUEUE"):
        with pytest.raises(ValueError, match="'q' of MEMORY_QUEUE is both source and target"):
            consume_and_push_to_another_queue("q", "MEMORY_QUEUE", "q", same)
    with pytest.raises(ValueError, match="is not \\[source_queue"):
        multi_prcocess_queue2queue([["q", "MEMORY_QUEUE", "other"]])
    with pytest.raises(CapabilityMissing, match="MEMORY_QUEUE.*multi_process_queue2queue"):
        multi_prcocess_queue2queue([["q", "MEMORY_QUEUE", "other", "MEMORY_QUEUE"]])
    assert not environment.worker.active


PROGRAM = """
import logging, sys
from funboost import BrokerEnum, boost, BoosterParams
from funboost.contrib import queue2queue
from funboost.contrib.queue2queue import consume_and_push_to_another_queue, multi_prcocess_queue2queue

queue2queue.IDLE_MINUTES = 0.08  # a process that has no turn for some seconds is not idle
KIND = BrokerEnum.SQLITE_QUEUE

if __name__ == "__main__":
    {call}
"""
CALLS = {
    "single": (
        "consume_and_push_to_another_queue('a', KIND, 'c', KIND, log_level_int=logging.INFO, exit_script_when_finish=True)",
        888,
    ),
    "many": (
        "multi_prcocess_queue2queue([['a', KIND, 'c', KIND], ['b', KIND, 'c', KIND]],"
        " log_level_int=logging.INFO, exit_script_when_finish=True, n=2)",
        999,
    ),
    "for ever": ("multi_prcocess_queue2queue([['a', KIND, 'c', KIND], ['b', KIND, 'c', KIND]], n=2)", None),
}


@pytest.mark.parametrize("name", CALLS)
def test_as_programs(name, environment, tmp_path):
    """Both functions end the program with their exit code once the source is empty, or go on until a signal."""
    call, code = CALLS[name]
    environment.settings.defaults["DATA_DIR"] = str(tmp_path / "data")
    queues = ("a",) if name == "single" else ("a", "b")
    for queue in queues:
        task = boost(BoosterParams(queue_name=queue, broker_kind="SQLITE_QUEUE"), environment=environment)(lambda x: x)
        task.push_many([{"x": n} for n in range(100)])
    script = tmp_path / "program.py"
    script.write_text(textwrap.dedent(PROGRAM.format(call=call)))
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FUNBOOST_")}
    environ = {
        **clean,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "FUNBOOST_DATA_DIR": str(tmp_path / "data"),
        "FUNBOOST_BEAT_SECONDS": "0.1",
    }
    with subprocess.Popen(
        [sys.executable, str(script)], env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            if code is None:
                if sys.platform == "win32":
                    pytest.skip("sends POSIX signals")
                while count(environment, "c", "SQLITE_QUEUE") < 200:
                    assert process.poll() is None, process.stdout.read()
                process.send_signal(signal.SIGTERM)
            output, _ = process.communicate(timeout=WAIT)
        finally:
            process.kill()
    if code is not None:
        assert process.returncode == (code if sys.platform == "win32" else code & 0xFF), output
    assert [count(environment, queue, "SQLITE_QUEUE") for queue in queues] == [0] * len(queues)
    assert count(environment, "c", "SQLITE_QUEUE") == 100 * len(queues)


@pytest.mark.skipif(os.name != "posix", reason="only there do forked processes have copies")
def test_child_processes_are_told_though_a_forked_one_has_a_copy_of_the_pipe():
    reader, writer = multiprocessing.Pipe(duplex=False)
    copy = os.dup(writer.fileno())
    try:
        queue2queue._pipes.append(writer)
        queue2queue._let_go()
        assert reader.poll(0)
        assert queue2queue._pipes == []
    finally:
        os.close(copy)
        reader.close()
