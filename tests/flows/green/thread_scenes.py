"""The framework's real threads in a patched process, and where greenlets meet them."""

import patch_first  # isort: skip

import hashlib
import os
import socket
import sqlite3
import sys
import threading
import time

before = {name: dict(vars(sys.modules[name])) for name in ("_thread", "time", "threading", "socket", "select")}

from funboost_core import native  # noqa: E402

after = {name: dict(vars(sys.modules[name])) for name in before}

from stage import LIBRARY, play, spawn, until  # noqa: E402


def patched_stays():
    assert native.patched
    for name, names in before.items():
        assert names == after[name], [key for key in names if names[key] is not after[name].get(key)]
    assert sys.modules["threading"] is threading
    for thing in (time.sleep, socket.socket, threading.Lock, threading.get_ident):
        assert LIBRARY in thing.__module__, thing


def real_threads():
    """A native thread counts while the hub is stuck in C code that lets go of the GIL."""
    counts = {"native": 0, "green": 0}
    stop = native.Event()

    def count():
        while not stop.wait(0.0005):
            counts["native"] += 1

    def tick():
        while not stop.is_set():
            counts["green"] += 1
            time.sleep(0.0005)

    class Named(native.Thread):
        def run(self):
            self.seen = native.current_thread() is self and native.blocking_allowed() and not native.in_main_thread()
            super().run()

    thread = Named(target=count, name="counter", daemon=True)
    thread.start()
    spawn(tick)
    until(lambda: counts["green"] > 3)
    native_before, green_before = counts["native"], counts["green"]
    while counts["native"] < native_before + 20:
        hashlib.pbkdf2_hmac("sha256", b"x", b"y", 20_000)
    assert counts["green"] == green_before, "the hub was not blocked, this proves nothing"
    stop.set()
    thread.join(30)
    assert not thread.is_alive() and thread.name == "counter" and thread.seen
    assert native.in_main_thread() and not native.blocking_allowed()


def real_primitives():
    """Lock, RLock, Condition with and without time-out, Event and SimpleQueue between native threads and the hub."""
    turn, log, inbox, outbox = native.Condition(), [], native.SimpleQueue(), native.SimpleQueue()

    def player(mine, other):
        for _ in range(200):
            with turn:
                assert turn.wait_for(lambda: not log or log[-1] == other, 30)
                log.append(mine)
                turn.notify_all()

    def echo():
        while True:
            item = inbox.get()
            outbox.put(item)
            if item is None:
                return

    threads = [
        native.Thread(target=player, args=("a", "b"), daemon=True),
        native.Thread(target=player, args=("b", "a"), daemon=True),
        native.Thread(target=echo, daemon=True),
    ]
    for thread in threads:
        thread.start()
    for item in range(100):
        inbox.put(item)
        assert native.off_hub(outbox.get) == item
    inbox.put(None)
    for thread in threads:
        native.off_hub(thread.join, 30)
        assert not thread.is_alive()
    assert len(log) == 400
    with turn:
        assert not turn.wait(0.01)
    assert not native.Event().wait(0.01)
    lock, again = native.Lock(), native.RLock()
    with again, again, lock:
        assert not lock.acquire(timeout=0.01)
        taken = []
        thread = native.Thread(target=lambda: taken.append(again.acquire(blocking=False)), daemon=True)
        thread.start()
        native.off_hub(thread.join)
        assert taken == [False]


def off_hub():
    """Errors, nesting, killing the caller; others run meanwhile."""
    ticks = []
    gate = native.Event()
    results = []

    def wait():
        results.append(native.off_hub(gate.wait, 30))

    waiting = [spawn(wait) for _ in range(30)]
    for _ in range(5):
        time.sleep(0.001)
        ticks.append(1)
    assert not results
    gate.set()
    for thread in waiting:
        thread.join()
    assert results == [True] * 30
    try:
        native.off_hub(int, "x")
    except ValueError as error:
        assert "'x'" in str(error)
    else:
        raise AssertionError("no error came through")
    assert native.off_hub(native.off_hub, native.blocking_allowed) is True


def fork():
    """A child made by fork has working native threads."""
    assert native.off_hub(max, 1, 2) == 2
    child = os.fork()
    if child == 0:
        done = []
        thread = native.Thread(target=done.append, args=(1,))
        thread.start()
        thread.join(30)
        os._exit(0 if done == [1] and native.off_hub(max, 1, 2) == 2 else 3)
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            break
        time.sleep(0.01)
    assert status == 0, status


def blocking_clients():
    """SQLite and a socket of the patched module, each on a native thread, while greenlets run."""
    server = socket.create_server(("127.0.0.1", 0))
    heard, ticks, rows = [], [], []
    go = native.Event()

    def serve():
        connection, _ = server.accept()
        with connection:
            while True:
                data = connection.recv(100)
                if not data:
                    return
                until(lambda: len(ticks) > 5)  # the client is blocked meanwhile
                connection.sendall(data.upper())

    def client():
        with socket.create_connection(server.getsockname()) as connection:
            go.wait()
            for _ in range(50):
                connection.sendall(b"hello")
                heard.append(connection.recv(100))

    def database():
        connection = sqlite3.connect(":memory:")
        connection.execute("CREATE TABLE t(x)")
        for number in range(2000):
            connection.execute("INSERT INTO t VALUES(?)", (number,))
        rows.extend(connection.execute("SELECT count(*) FROM t").fetchone())
        connection.close()

    # the server is made by the main thread and gevent binds it to that thread's hub: it serves there
    server_thread = spawn(serve)
    threads = [native.Thread(target=function, daemon=True) for function in (client, database)]
    for thread in threads:
        thread.start()
    time.sleep(0.001)
    go.set()
    while any(thread.is_alive() for thread in threads):
        ticks.append(1)
        time.sleep(0.0005)
    server_thread.join()
    server.close()
    assert heard == [b"HELLO"] * 50 and rows == [2000], (len(heard), rows)


if __name__ == "__main__":
    assert patch_first
    play(globals())
