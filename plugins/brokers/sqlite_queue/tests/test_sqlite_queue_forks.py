"""Forking a process that has the database open, while its threads use it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from funboost_core.ports.broker import Outgoing

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]


@pytest.fixture
def fork():
    """Runs a function in a forked child; what that returns waits for its end, and for its having been fine."""
    children = []

    def fork(function):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                function()
                code = 0
            finally:
                os._exit(code)
        children.append(child)

        def wait():
            for _ in range(2000):
                done, status = os.waitpid(child, os.WNOHANG)
                if done:
                    children.remove(child)
                    assert os.WEXITSTATUS(status) == 0
                    assert not os.WIFSIGNALED(status)
                    return
                time.sleep(0.01)  # there is nothing to wait on for at most so long
            raise AssertionError("the child hangs")

        return wait

    yield fork
    for child in children:
        os.kill(child, 9)
        os.waitpid(child, 0)


@pytest.fixture
def pipes():
    """The two ends of two pipes: the child writes to the first and reads from the second."""
    (heard, say), (told, tell) = os.pipe(), os.pipe()
    yield heard, say, told, tell
    for end in (heard, say, told, tell):
        os.close(end)


@pytest.fixture
def sweep(tmp_path):
    """Lets a consumer in a new process look for dead ones; how many messages it brings back."""

    def run():
        script = Path(__file__).with_name("sqlite_queue_child.py")
        done = subprocess.run(
            [sys.executable, str(script), "recovered", str(tmp_path)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert done.returncode == 0, done.stderr
        return int(done.stdout)

    return run


def publish(broker, name, start, stop):
    for i in range(start, stop):
        broker.publish([Outgoing(f"{name} {i}".encode())])


def drain(broker):
    got = []
    while True:
        found = broker.fetch(1000, 0)
        if not found:
            return got
        got += [delivery.body for delivery in found]
        broker.ack(found)


def expected(*parts):
    return sorted(f"{name} {i}".encode() for name, count in parts for i in range(count))


@pytest.mark.parametrize("ends", [False, True], ids=["parent goes on", "parent closes"])
def test_nothing_published_by_either_is_lost(make, fork, pipes, tmp_path, ends):
    """Whoever closes last removes the write-ahead log: the parent must see that the child is there."""
    heard, say, told, tell = pipes
    broker = make(listen=False)
    publish(broker, "parent", 0, 50)

    def child():
        publish(broker, "child", 0, 50)
        os.write(say, b"x")
        os.read(told, 1)
        publish(broker, "child", 50, 100)

    wait = fork(child)
    os.read(heard, 1)
    publish(broker, "parent", 50, 100)
    if ends:
        broker.close()
    os.write(tell, b"x")
    wait()
    broker.close()
    assert sorted(drain(make(pull_msg_batch_size=1000))) == expected(("parent", 100), ("child", 100))
    connection = sqlite3.connect(str(tmp_path / "queues.sqlite3"))
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


def test_the_parent_is_not_taken_for_dead_and_may_settle_what_it_held(make, fork, sweep):
    """Its lock is kept through the fork, by itself alone, though its connections are closed for it."""
    broker = make()
    publish(broker, "m", 0, 3)
    held = broker.fetch(3, 0)
    fork(lambda: drain(broker))()
    assert sweep() == 0
    broker.ack(held[:2])
    broker.requeue(held[2:])
    assert drain(broker) == [b"m 2"]


def test_the_lock_ends_with_the_parent_not_with_its_child(make, fork, pipes, sweep):
    heard, say, told, tell = pipes
    broker = make()
    publish(broker, "m", 0, 3)

    def parent():  # a child itself, with a connection and a lock of its own
        broker.listen()
        broker.fetch(2, 0)
        grandchild = os.fork()
        if grandchild == 0:
            os.write(say, b"x")
            os.read(told, 1)
            os._exit(0)
        os._exit(0)

    fork(parent)()
    os.read(heard, 1)
    assert sweep() == 2
    os.write(tell, b"x")


def test_forking_while_threads_publish_fetch_wait_and_sweep(make, fork):
    """No dead-lock, nothing lost, nothing twice."""
    waiting = make(queue="silent")
    got = []
    waiter = threading.Thread(target=lambda: got.extend(waiting.fetch(1, 60)))
    stop = threading.Event()
    counts = {"a": 0, "b": 0}
    publisher, consumer = make(listen=False), make()
    fetched, errors = [], []

    def guarded(work):
        def run():
            try:
                while not stop.is_set():
                    work()
            except BaseException as error:
                errors.append(error)
                raise

        return threading.Thread(target=run)

    def write(name):
        def once():
            publisher.publish([Outgoing(f"{name} {counts[name]}".encode())])
            counts[name] += 1

        return once

    def read():
        found = consumer.fetch(10, 0.01)
        fetched.extend(delivery.body for delivery in found)
        consumer.ack(found)

    def look():
        consumer.count()
        consumer.maintain()

    threads = [waiter, guarded(write("a")), guarded(write("b")), guarded(read), guarded(look)]
    for thread in threads:
        thread.start()
    try:
        for n in range(10):

            def child(n=n):
                publish(publisher, f"child{n}", 0, 20)
                publisher.close()

            fork(child)()
        waiting.publish([Outgoing(b"wake up")])
    finally:
        stop.set()
        waiting.wake()
        for thread in threads:
            thread.join(30)
    assert not errors
    assert not any(thread.is_alive() for thread in threads)
    assert [delivery.body for delivery in got] == [b"wake up"]
    children = [(f"child{n}", 20) for n in range(10)]
    assert sorted(fetched + drain(consumer)) == expected(*counts.items(), *children)
