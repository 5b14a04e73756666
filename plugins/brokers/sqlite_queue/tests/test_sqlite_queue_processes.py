"""Several processes on one file, and processes that die."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from funboost_core.ports.broker import Outgoing

CHILD = Path(__file__).with_name("sqlite_queue_child.py")
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


@pytest.fixture
def spawn(tmp_path):
    """Start `sqlite_queue_child.py`; killed at the end."""
    children = []

    def spawn(*arguments):
        what, *rest = map(str, arguments)
        child = subprocess.Popen(
            [sys.executable, str(CHILD), what, str(tmp_path), *rest],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        children.append(child)
        return child

    yield spawn
    for child in children:
        child.kill()
        child.communicate(timeout=20)


def bodies(deliveries):
    return [delivery.body for delivery in deliveries]


def test_four_consumers_share_without_doubling_or_losing(make, spawn):
    broker = make(listen=False)
    total = 6000
    for start in range(0, total, 500):
        broker.publish([Outgoing(b"%d" % i) for i in range(start, start + 500)])
    children = [spawn("consume") for _ in range(4)]
    for child in children:
        assert child.stdout.readline() == "ready\n"
    for i in range(total, total + 300):  # some one by one, while they consume
        broker.publish([Outgoing(b"%d" % i)])
    broker.publish([Outgoing(b"stop")])
    lines = []
    for child in children:
        lines += child.stdout.read().split("\n")[:-1]
        assert child.wait(20) == 0
    assert sorted(lines) == sorted(f"{i} 1" for i in range(total + 300))
    assert broker.count() == 1


def test_processes_that_make_the_file_at_once(make, spawn):
    children = [spawn("publish", 100, name) for name in range(5)]
    for child in children:
        child.communicate(timeout=60)
        assert child.returncode == 0
    broker = make()
    got = bodies(broker.fetch(1000, 0))
    while True:
        more = bodies(broker.fetch(1000, 0))
        if not more:
            break
        got += more
    for name in range(5):
        prefix = b"%d " % name
        assert [body for body in got if body.startswith(prefix)] == [prefix + b"%d" % i for i in range(100)]


def test_killed_consumer_gives_back_exactly_what_it_had_not_acknowledged(make, spawn):
    broker = make(listen=False)
    broker.publish([Outgoing(b"%d" % i) for i in range(60)])
    broker.publish([Outgoing(b"p", priority=2)])
    acked = [3, 50, 0, 17, 18, 19, 4]
    child = spawn("hold", 51, *acked)  # position 0 is "p", then come 0 to 49
    assert child.stdout.readline() == "51\n"
    broker.listen()
    assert broker.count() == 10, "it lives: nothing comes back, though it never calls maintain"
    broker.maintain()
    assert broker.count() == 10
    child.kill()
    child.wait(20)
    broker.maintain()
    expected = [b"%d" % (position - 1) for position in range(1, 51) if position not in acked]
    got = broker.fetch(100, 0)
    assert bodies(got[:-10]) == expected
    assert {delivery.attempts for delivery in got[:-10]} == {2}
    assert bodies(got[-10:]) == [b"%d" % i for i in range(50, 60)], "those never fetched come after"
    assert {delivery.attempts for delivery in got[-10:]} == {1}
    broker.ack(got)
    broker.maintain()
    assert broker.count() == 0
    assert len(list(broker._attached.path.parent.glob("*.owners/*"))) == 1, "the dead one's file is gone"


def test_listening_recovers_too_and_priority_is_kept(make, spawn):
    broker = make(listen=False)
    broker.publish([Outgoing(b"a"), Outgoing(b"p", priority=2), Outgoing(b"b")])
    child = spawn("hold", 2)
    assert child.stdout.readline() == "2\n"
    child.kill()
    child.wait(20)
    assert broker.count() == 1
    broker.listen()
    got = broker.fetch(9, 0)
    assert [(d.body, d.attempts) for d in got] == [(b"p", 2), (b"a", 2), (b"b", 1)]


def test_killed_again_and_again_counts(make, spawn):
    broker = make(listen=False)
    broker.publish([Outgoing(b"poison")])
    for _ in range(3):
        child = spawn("hold", 1)
        assert child.stdout.readline() == "1\n"
        child.kill()
        child.wait(20)
    broker.listen()
    (got,) = broker.fetch(1, 0)
    assert got.attempts == 4


def test_killed_publisher_has_published_what_returned(make, spawn):
    child = spawn("publish", 1_000_000, "x")
    said = [child.stdout.readline() for _ in range(300)]
    child.kill()
    said += child.stdout.readlines()
    returned = [int(line) for line in said if line.endswith("\n")]
    broker = make(pull_msg_batch_size=1000)
    got = []
    while True:
        found = bodies(broker.fetch(1000, 0))
        if not found:
            break
        got += found
    assert got[: len(returned)] == [b"x %d" % i for i in range(len(returned))]
    assert len(returned) <= len(got) <= len(returned) + 1


def test_waiting_fetch_sees_what_another_process_publishes(make, spawn):
    broker = make()
    child = spawn("publish_once", "hello")
    assert child.stdout.readline() == "ready\n"
    result = []
    thread = threading.Thread(target=lambda: result.extend(broker.fetch(1, 30)), daemon=True)
    thread.start()
    child.communicate("go\n", timeout=20)
    thread.join(20)
    assert bodies(result) == [b"hello"]


@needs_fork
def test_forked_child_does_not_keep_a_dead_parent_alive(make, spawn):
    broker = make()
    broker.publish([Outgoing(b"a")])
    parent = spawn("hold_and_fork", 1)
    fetched, child = parent.stdout.readline().split()
    assert fetched == "1"
    try:
        parent.kill()
        parent.wait(20)
        broker.maintain()
        assert bodies(broker.fetch(1, 0)) == [b"a"]
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(child), 9)


def _in_fork(broker, stale, queue):
    broker.publish([Outgoing(b"from the child")])
    broker.ack(stale)
    broker.listen()
    queue.put([delivery.body for delivery in broker.fetch(1, 0)])
    broker.close()


@needs_fork
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_broker_in_a_forked_child_opens_its_own_connection(make):
    broker = make()
    broker.publish([Outgoing(b"a"), Outgoing(b"b")])
    held = broker.fetch(1, 0)
    fork = multiprocessing.get_context("fork")
    queue = fork.SimpleQueue()
    child = fork.Process(target=_in_fork, args=(broker, held, queue))
    child.start()
    child.join(20)
    assert child.exitcode == 0
    assert queue.get() == [b"b"], "the child is a consumer of its own and cannot acknowledge for its parent"
    broker.maintain()
    got = broker.fetch(10, 0)
    assert [(d.body, d.attempts) for d in got] == [(b"b", 1), (b"from the child", 1)]
    broker.ack(got)
    broker.close()
    assert bodies(make().fetch(10, 0)) == [b"a"], "the parent still held it"
