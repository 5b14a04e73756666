"""The framework at work in a patched process, on real threads beside the user's greenlets."""

import patch_first  # isort: skip

import logging
import os
import queue
import socket
import sys
import threading
import time
from pathlib import Path

from stage import environment, play, spawn, task, until

from funboost_core import AsyncResult, native


def beats():
    """The beat goes on while a task never lets the hub run, and while others sleep."""
    environment.settings.values["BEAT_SECONDS"] = 0.01
    seen, ended, napped = [0], [], []

    def busy(_):
        target, deadline = seen[0] + 10, time.monotonic() + 20
        while seen[0] < target and time.monotonic() < deadline:
            pass
        ended.append(seen[0] >= target)

    def nap(_):
        target = seen[0] + 5
        while seen[0] < target:
            time.sleep(0.005)
        napped.append(1)

    def watch(booster):
        booster.consume()
        consumer = environment.worker.consumer(booster.task.queue)
        beat = consumer.beat

        def counted():
            seen[0] += 1
            beat()

        consumer.beat = counted

    busy, nap = task(busy, "busy"), task(nap, "nap")
    for booster in (busy, nap):
        for number in range(3):
            booster.push(number)
    watch(nap)
    watch(busy)
    until(lambda: len(ended) == 3 and len(napped) == 3)
    assert ended == [True] * 3
    assert environment.worker.stop()


def logs():
    """Native threads and greenlets log at the same time, through handlers made before and after the start."""
    folder = Path(os.environ["GREEN_DIR"])
    early = logging.FileHandler(folder / "early")
    root = logging.getLogger()
    root.addHandler(early)
    root.setLevel(logging.INFO)
    booster = task(lambda x: None, "logging")
    booster.consume()
    late = logging.FileHandler(folder / "late")
    late.setFormatter(logging.Formatter("%(threadName)s %(message)s"))
    root.addHandler(late)
    log, ended = logging.getLogger("story"), []

    def native_work():
        for number in range(1000):
            log.info("native %s", number)
        ended.append(1)

    def green_work():
        for number in range(100):
            log.info("green %s", number)
            time.sleep(0)
        ended.append(1)

    for number in range(4):
        native.Thread(target=native_work, name=f"worker-{number}", daemon=True).start()
    for _ in range(10):
        spawn(green_work)
    until(lambda: len(ended) == 14)
    lines = (folder / "late").read_text().splitlines()
    assert sum("native" in line for line in lines) == 4000 and sum("green" in line for line in lines) == 1000
    assert sum(line.startswith("worker-1 native") for line in lines) == 1000
    assert sum("native" in line for line in (folder / "early").read_text().splitlines()) == 4000
    assert environment.worker.stop()


def pushes():
    """Greenlets and native threads push at the same time; each message runs once."""
    seen, ended = [], []
    booster = task(lambda x: seen.append(x), "pushed")

    def push(start, count):
        for number in range(start, start + count):
            booster.push(number)
        ended.append(1)

    booster.consume()
    for number in range(4):
        native.Thread(target=push, args=(number * 100, 100), daemon=True).start()
    for number in range(20):
        spawn(push, 1000 + number * 20, 20)
    until(lambda: len(ended) == 24 and len(seen) == 800)
    assert len(set(seen)) == 800
    assert environment.worker.stop()


def first_pushes():
    """Greenlets that push first, all at once, share one connection."""
    booster = task(lambda x: x, "first")
    for greenlet in [spawn(booster.push, number) for number in range(10)]:
        greenlet.join()
    assert booster.get_message_count() == 10
    assert [thread.name for thread in native._copy.enumerate()].count("funboost-first-publish") == 1


def results():
    """Waiting for a result lets the greenlets run that bring it: from the main greenlet, from others, from a task."""
    inner = task(lambda x: (time.sleep(0.01), x + 1)[1], "inner", is_using_rpc_mode=True)
    outer = task(lambda x: inner.push(x).result * 10, "outer", is_using_rpc_mode=True)
    inner.consume()
    outer.consume()
    assert inner.push(1).set_timeout(20).result == 2
    assert outer.push(1).set_timeout(20).result == 20
    got = []
    waiting = [spawn(lambda n=n: got.append((n, outer.push(n).result))) for n in range(40)]
    for thread in waiting:
        thread.join()
    assert sorted(got) == [(n, (n + 1) * 10) for n in range(40)]
    assert inner.push(1).is_pending()
    inner.pause_consume()
    inner.continue_consume()
    assert environment.worker.stop()


def crowd():
    """Hundreds of greenlets that wait for results share the mailbox's thread, whether they wait for one or for several."""
    booster = task(lambda x: x, "crowd", is_using_rpc_mode=True)
    waited, got = [booster.push(number) for number in range(300)], []

    def alone(result):
        got.append(result.set_timeout(20).result)

    def together(results):
        for result in AsyncResult.as_completed(results, timeout=20):
            got.append(result.result)

    assert booster.push(0).is_pending()
    before = len(sys._current_frames())
    waiting = [spawn(alone, result) for result in waited[:200]]
    waiting += [spawn(together, waited[start : start + 10]) for start in range(200, 300, 10)]
    until(lambda: len(environment.mailbox) == 300)
    assert len(sys._current_frames()) - before <= 2
    booster.consume()
    for thread in waiting:
        thread.join()
    assert sorted(got) == list(range(300))
    assert environment.worker.stop()


def counts():
    """What is told of a run, and what is logged on real threads, needs no lock that greenlets hold."""
    booster = task(lambda x: x, "counts", is_using_rpc_mode=True)
    booster.push(0)
    assert type(logging._lock) is type(native.RLock())
    booster.consume()
    with threading._active_limbo_lock:  # as whoever begins a thread does
        status = booster.push(1).set_timeout(20).status_and_result
    assert status["total_thread"] > 1
    assert environment.worker.stop()


def shared():
    """Locks, queues, events and sockets that the main greenlet made are usable in tasks."""
    lock, event, items = threading.Lock(), threading.Event(), queue.Queue()
    here, there = socket.socketpair()

    def use(x):
        if x == 0:
            event.wait()
        with lock:
            time.sleep(0.001)
            items.put(x)
        if x == 1:
            there.sendall(there.recv(100).upper())

    booster = task(use, "sharing", concurrent_num=10)
    for number in range(10):
        booster.push(number)
    lock.acquire()
    booster.consume()
    time.sleep(0.05)
    lock.release()
    here.sendall(b"x")
    assert here.recv(100) == b"X"
    event.set()
    assert sorted(items.get(timeout=20) for _ in range(10)) == list(range(10))
    assert environment.worker.stop()
    here.close()
    there.close()


if __name__ == "__main__":
    assert patch_first
    play(globals())
