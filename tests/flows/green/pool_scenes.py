"""The pools gevent and eventlet at work."""

import patch_first  # isort: skip

import os
import queue
import signal
import socket
import sys
import threading
import time

from stage import LIBRARY, environment, play, say, spawn, task, until

from funboost_core import RetryTask, fct, native

if LIBRARY == "gevent":
    from gevent import GreenletExit, getcurrent, kill
else:
    from eventlet import getcurrent, kill
    from greenlet import GreenletExit


def overlap():
    """200 messages, 100 at once: never more, and really 100, for each waits until a hundred have begun, or all."""
    begun, now, most, done = [], [0], [0], []

    def nap(x):
        begun.append(x)
        now[0] += 1
        most[0] = max(most[0], now[0])
        together = 100 if len(begun) <= 100 else 200
        until(lambda: len(begun) >= together)
        time.sleep(0.2)  # one too many would come now
        now[0] -= 1
        done.append(x)

    booster = task(nap, "naps", concurrent_num=100)
    booster.push_many([{"x": number} for number in range(200)])
    started = time.monotonic()
    booster.consume()
    until(lambda: len(done) == 200)
    took = time.monotonic() - started
    assert most[0] == 100, most
    assert sorted(done) == list(range(200))
    assert environment.worker.stop()
    say(f"seconds {took:.2f}")


def retries():
    """Errors run again; BaseExceptions too (GreenletExit, a library's time-out); the last one gives up.

    A message that waits an hour for its retry keeps nobody, also where only one runs at a time.
    """
    runs = {}
    errors = {"error": ValueError, "exit": GreenletExit, "system": SystemExit, "asked": RetryTask}

    def fail(kind, x):
        runs.setdefault(kind, []).append(x)
        if len(runs[kind]) < 3:
            raise errors[kind]("not yet")

    def kill_itself(x):
        runs.setdefault("killed", []).append(x)
        if len(runs["killed"]) < 2:
            me = getcurrent()
            spawn(lambda: kill(me))
            time.sleep(30)

    booster, suicide = task(fail, "failing", max_retry_times=3), task(kill_itself, "killed", max_retry_times=3)
    for kind in errors:
        booster.push(kind, 1)
    suicide.push(1)
    booster.consume()
    suicide.consume()
    until(lambda: all(len(runs.get(kind, ())) == 3 for kind in errors) and len(runs.get("killed", ())) == 2)

    def wait_if_first(x):
        runs.setdefault("patient", []).append(x)
        if not x:
            raise ValueError("in an hour")

    patient = task(wait_if_first, "patient", concurrent_num=1, retry_interval=3600)
    patient.push_many([{"x": number} for number in range(20)])
    patient.consume()
    until(lambda: len(runs.get("patient", ())) == 20)
    assert environment.worker.stop()
    assert booster.get_message_count() == suicide.get_message_count() == 0
    assert patient.get_message_count() == 1


def drain():
    """stop() from the main greenlet: what runs ends, what waits stays in the queue."""
    begun, ended = [], []
    go = threading.Event()

    def work(x):
        begun.append(x)
        go.wait()
        ended.append(x)

    booster = task(work, "drained", concurrent_num=5)
    booster.push_many([{"x": number} for number in range(20)])
    booster.consume()
    until(lambda: len(begun) == 5)
    consumer = environment.worker.consumer("drained")
    stop, stopped = consumer.stop, native.Event()
    consumer.stop = lambda: (stop(), stopped.set())

    def release():  # once nothing more is started
        until(stopped.is_set)
        go.set()

    spawn(release)
    assert environment.worker.stop()
    assert sorted(ended) == sorted(begun) and len(begun) == 5, (begun, ended)
    assert booster.get_message_count() == 15
    booster.consume()  # and again, with a new pool
    until(lambda: len(ended) == 20)
    assert environment.worker.stop()


def given_up():
    """What does not end in time is killed, and the pool lets go of the hub."""
    endings = []

    def endless(x):
        try:
            while True:
                time.sleep(0.01)
        finally:
            endings.append(x)

    booster = task(endless, "endless", max_retry_times=0)
    booster.push(1)
    booster.consume()
    until(lambda: environment.worker.consumer("endless").line.running == 1)
    assert not environment.worker.stop(0.1)
    until(lambda: endings == [1])


def context():
    """fct is each run's own, also after a switch; children have it only when bound."""
    seen = queue.Queue()

    def look():
        try:
            return fct.task_id
        except LookupError:
            return None

    def work(x):
        mine = look()
        time.sleep(0.002 * (x % 3))
        children = [], []
        plain = spawn(lambda: children[0].append(look()))
        bound = spawn(fct.bind(lambda: children[1].append(look())))
        plain.join()
        bound.join()
        seen.put((mine, look(), children[0][0], children[1][0]))

    booster = task(work, "contexts", concurrent_num=20)
    ids = {booster.push(number).task_id for number in range(60)}
    booster.consume()
    rows = [seen.get(timeout=20) for _ in range(60)]
    assert {row[0] for row in rows} == ids
    assert all(row[0] == row[1] == row[3] and row[2] is None for row in rows), rows
    assert environment.worker.stop()
    assert look() is None


def other_thread():
    """Consuming that is started on a real thread gets a hub of its own."""
    threads, done = set(), []

    def work(x):
        threads.add(native.get_ident())
        time.sleep(0.05)
        done.append(x)

    booster = task(work, "elsewhere", concurrent_num=50)
    booster.push_many([{"x": number} for number in range(50)])
    native.off_hub(booster.consume)
    until(lambda: len(done) == 50)
    assert len(threads) == 1 and native.get_ident() not in threads
    assert native.off_hub(environment.worker.stop)


def main_ended():
    """The main thread ends right after consume(); tasks go on, DNS and threads included."""
    done = []
    threads_start = not (3, 12) <= sys.version_info < (3, 12, 3)  # there none starts any more, which CPython has mended

    def work(x):
        until(lambda: ended)
        if threads_start:
            socket.getaddrinfo("localhost", 80)
        threading.Thread(target=done.append, args=(x,)).start()
        if x == 49:
            until(lambda: len(done) == 50)
            say("all done, main thread ended")
            stop.put(None)

    stop = native.SimpleQueue()
    native.Thread(target=lambda: (stop.get(), environment.worker.stop()), daemon=True).start()
    booster = task(work, "after_main", concurrent_num=50)
    booster.push_many([{"x": number} for number in range(50)])
    booster.consume()


ended = []


def sigterm_main_ended():
    """The test sends SIGTERM when it has read the line; the main thread has ended."""
    booster = _slow("late")
    booster.consume()


def sigterm_main_waits():
    """The same while the main greenlet sleeps for ever: it is ended after the drain."""
    _slow("waiting").consume()
    try:
        while True:
            time.sleep(0.01)
    finally:
        say("main ended by", sys.exc_info()[0].__name__)


def sigterm_in_task():
    """The same while tasks keep the main thread busy, so that the signal arrives in one of them."""
    go = []

    def busy(x):
        try:
            if len(go) < 2:
                go.append(x)
            if len(go) == 2:
                say("running")
            end = time.monotonic() + 0.5
            while time.monotonic() < end:
                pass
            say("ended", x)
        except BaseException as error:
            say("a task met", repr(error))
            raise

    booster = task(busy, "busy", concurrent_num=2)
    booster.push_many([{"x": number} for number in range(2)])
    booster.consume()
    while True:
        time.sleep(0.01)


def _slow(queue):
    begun = []

    def work(x):
        begun.append(x)
        if len(begun) == 4:
            say("running")
        until(lambda: environment.worker.consumer(queue).gate.stopped)  # whenever the signal comes
        say("ended", x)

    booster = task(work, queue, concurrent_num=4)
    booster.push_many([{"x": number} for number in range(8)])
    return booster


if __name__ == "__main__":
    assert patch_first and os and signal
    play(globals())
    ended.append(1)
