"""The limits: what plain `queue` and `sqlite3` do, same JSON, same durability, nothing around it."""

from __future__ import annotations

import json
import queue
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import common
from common import BLOCK, Figure, Runs
from peers.raw_redis import (  # noqa: F401 - limits, found here by their names
    redis_cold_start,
    redis_consume,
    redis_consume_batches,
    redis_idle,
    redis_publish,
    redis_push_many,
    redis_recovery,
    redis_rpc,
    redis_rpc_server,
    worker,
)
from pydantic_core import from_json, to_json

MODEL = "from pydantic import BaseModel\nclass M(BaseModel):\n    x: int\nM(x=1)"
POLL = 0.0005  # seconds between two looks for a message of another process


# -- memory -----------------------------------------------------------------------------------------------------------


def memory_publish(n: int, folder: str) -> Figure:
    """A dict into a `SimpleQueue`."""
    put = queue.SimpleQueue().put
    return common.publish(n, lambda i: put({"x": i, "y": 2}))


def memory_consume(n: int, folder: str) -> Figure:
    """Each dict out of a `SimpleQueue` into the function."""
    messages: queue.SimpleQueue[dict[str, int]] = queue.SimpleQueue()
    for i in range(n):
        messages.put({"x": i, "y": 2})
    runs, get = Runs(n), messages.get_nowait

    def consume() -> None:
        for _ in range(n):
            runs(**get())

    return runs.measure(consume)


def memory_rpc(n: int, folder: str) -> Figure:
    """There and back through two `SimpleQueue`, between two threads."""
    there: queue.SimpleQueue[int] = queue.SimpleQueue()
    back: queue.SimpleQueue[int] = queue.SimpleQueue()

    def serve() -> None:
        while True:
            back.put(there.get() + 2)

    def trip(i: int) -> None:
        there.put(i)
        back.get()

    threading.Thread(target=serve, daemon=True).start()
    return common.round_trips(n, trip)


# -- SQLite -----------------------------------------------------------------------------------------------------------


def connect(folder: str, durability: str) -> sqlite3.Connection:
    """The queue: one table, an id and a JSON text."""
    connection = sqlite3.connect(Path(folder, "raw.sqlite3"), isolation_level=None, timeout=30)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {durability}")
    connection.execute("CREATE TABLE IF NOT EXISTS queue(id INTEGER PRIMARY KEY, taken INTEGER, body BLOB)")
    connection.execute("CREATE TABLE IF NOT EXISTS replies(id INTEGER PRIMARY KEY, body BLOB)")
    return connection


def body(i: int) -> bytes:
    """The message that everybody sends, without what a product adds."""
    return to_json({"x": i, "y": 2})


def sqlite_publish(n: int, folder: str, durability: str) -> Figure:
    """One INSERT, which commits, a message."""
    execute = connect(folder, durability).execute
    return common.publish(n, lambda i: execute("INSERT INTO queue(body) VALUES (?)", (body(i),)))


def sqlite_push_many(n: int, folder: str, durability: str) -> Figure:
    """One transaction for a block of messages."""
    connection = connect(folder, durability)
    return common.publish_blocks(n, lambda numbers: _insert(connection, numbers))


def sqlite_consume(n: int, folder: str, durability: str, batch: int = BLOCK) -> Figure:
    """Claim a batch, run it, and acknowledge it with the next claim: two statements in a transaction a batch."""
    connection = connect(folder, durability)
    _insert(connection, range(n))
    runs = Runs(n)
    return runs.measure(lambda: _drain(connection, runs, batch))


def sqlite_consume_one_by_one(n: int, folder: str, durability: str) -> Figure:
    """The same with batches of one."""
    return sqlite_consume(n, folder, durability, 1)


def sqlite_consume_2_processes(n: int, folder: str, durability: str) -> Figure:
    """Two processes claim batches of the same table."""
    _insert(connect(folder, durability), range(n))
    return common.consume_together("raw", "sqlite_share", 2, n=n, folder=folder, durability=durability)


def sqlite_share(n: int, folder: str, durability: str) -> dict[str, float]:
    """One of several processes."""
    connection, runs = connect(folder, durability), Runs(n)
    return runs.share(lambda: _drain(connection, runs, BLOCK))


def _insert(connection: sqlite3.Connection, numbers: range) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT INTO queue(body) VALUES (?)", [(body(i),) for i in numbers])
    connection.execute("COMMIT")


def _drain(connection: sqlite3.Connection, runs: Runs, batch: int) -> None:
    for rows in _claims(connection, batch):
        for _, text in rows:
            runs(**from_json(text))
        if time.perf_counter() > runs.deadline:
            return


def _claims(connection: sqlite3.Connection, batch: int) -> Iterator[list[tuple[int, bytes]]]:
    execute, done = connection.execute, (0, -1)
    claim = "SELECT id, body FROM queue WHERE taken IS NULL ORDER BY id LIMIT ?"
    while True:
        execute("BEGIN IMMEDIATE")
        execute("DELETE FROM queue WHERE id BETWEEN ? AND ?", done)
        rows = execute(claim, (batch,)).fetchall()
        if rows:
            done = rows[0][0], rows[-1][0]
            execute("UPDATE queue SET taken = 1 WHERE id BETWEEN ? AND ?", done)
        execute("COMMIT")
        if not rows:
            return
        yield rows


def sqlite_schedules(n: int, folder: str, durability: str, step: str) -> Figure:
    """One row a schedule: inserted, selected, or claimed by the hundred, published and moved on."""
    execute = connect(folder, durability).execute
    execute("CREATE TABLE jobs(id TEXT PRIMARY KEY, due REAL, body BLOB)")
    execute("CREATE INDEX jobs_due ON jobs(due)")
    if step != "add":
        execute("BEGIN")
    cpu, start = time.process_time(), time.perf_counter()
    for i in range(n):
        execute("INSERT INTO jobs VALUES (?, 0, ?)", (str(i), body(i)))
    if step != "add":
        execute("COMMIT")
        cpu, start = time.process_time(), time.perf_counter()
    if step == "listing":
        for row in execute("SELECT * FROM jobs ORDER BY due").fetchall():
            from_json(row[2])
    elif step == "fire":
        for _ in range(0, n, BLOCK):
            rows = execute("SELECT * FROM jobs ORDER BY due LIMIT ?", (BLOCK,)).fetchall()
            for row in rows:
                execute("INSERT INTO queue(body) VALUES (?)", (row[2],))
            execute("BEGIN")
            for row in rows:
                execute("UPDATE jobs SET due = 1 WHERE id = ?", (row[0],))
            execute("COMMIT")
    return common.rate(n, time.perf_counter() - start, time.process_time() - cpu)


def sqlite_rpc(n: int, folder: str, durability: str) -> Figure:
    """A row there and a row back, two processes that look every POLL seconds."""
    connection = connect(folder, durability)
    server = common.child("raw", "sqlite_rpc_server", folder=folder, durability=durability)
    assert server.stdout is not None
    server.stdout.readline()
    try:
        return common.round_trips(n, lambda i: _ask(connection, i))
    finally:
        server.kill()


def _ask(connection: sqlite3.Connection, i: int) -> None:
    number = connection.execute("INSERT INTO queue(body) VALUES (?)", (body(i),)).lastrowid
    while not connection.execute("DELETE FROM replies WHERE id = ? RETURNING body", (number,)).fetchall():
        time.sleep(POLL)


def sqlite_rpc_server(folder: str, durability: str) -> None:
    """Answers until it is killed."""
    connection = connect(folder, durability)
    print("ready", file=sys.__stdout__, flush=True)
    last = 0
    while True:
        for number, text in connection.execute("SELECT id, body FROM queue WHERE id > ?", (last,)).fetchall():
            last = number
            connection.execute("INSERT INTO replies VALUES (?, ?)", (number, to_json(sum(from_json(text).values()))))
        time.sleep(POLL)


# -- the rest ---------------------------------------------------------------------------------------------------------


def pipe_rpc(n: int, folder: str, durability: str) -> Figure:
    """There and back through two pipes, between two processes."""
    code = "import sys\nfor line in sys.stdin: print(line, end='', flush=True)"
    server = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    assert server.stdin is not None
    assert server.stdout is not None
    write, read = server.stdin.write, server.stdout.readline
    try:
        return common.round_trips(n, lambda i: (write(json.dumps({"x": i, "y": 2}) + "\n"), read()))
    finally:
        server.kill()


def idle(seconds: float, folder: str) -> Figure:
    """A Python with pydantic and sqlite3 that only waits."""
    exec(MODEL)
    return common.idle(seconds)


def qps(rate: float, seconds: float, folder: str) -> Figure:
    """A loop that sleeps until each due time."""
    times: list[float] = []
    start = time.perf_counter()
    while len(times) < rate * seconds:
        time.sleep(max(0.0, start + len(times) / rate - time.perf_counter()))
        times.append(time.perf_counter())
    return common.starts(times)


def imports(folder: str) -> Figure:
    """Python with a pydantic model of one field."""
    return common.wall_of(MODEL)
