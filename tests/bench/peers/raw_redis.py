"""The limits on Redis: what plain redis-py does, same JSON, nothing around it.  Imported by `raw`."""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING, Any

import common
from common import BLOCK, Figure, Runs
from pydantic_core import from_json, to_json

if TYPE_CHECKING:
    import redis

URL = "FUNBOOST_TEST_REDIS_URL"


def connect() -> redis.Redis[Any]:
    """An empty database."""
    import redis

    client: Any = redis.Redis.from_url(os.environ[URL])
    return client


def emptied() -> Any:
    """The same, after what was there before."""
    client = connect()
    client.flushdb()
    return client


def body(i: int) -> bytes:
    """The message that everybody sends, without what a product adds."""
    return to_json({"x": i, "y": 2})


def redis_publish(n: int, folder: str) -> Figure:
    """One RPUSH a message."""
    push = emptied().rpush
    return common.publish(n, lambda i: push("raw", body(i)))


def redis_push_many(n: int, folder: str) -> Figure:
    """One RPUSH for a block of messages."""
    push = emptied().rpush
    return common.publish_blocks(n, lambda numbers: push("raw", *map(body, numbers)))


def _filled(n: int) -> Any:
    client = emptied()
    for start in range(0, n, 1000):
        client.rpush("raw", *map(body, range(start, min(n, start + 1000))))
    return client


def redis_consume(n: int, folder: str) -> Figure:
    """The documented ten-line consumer: BLPOP, json, the function; nothing is acknowledged."""
    client, runs = _filled(n), Runs(n)

    def consume() -> None:
        while (got := client.blpop("raw", 1)) and time.perf_counter() < runs.deadline:
            runs(**from_json(got[1]))

    return runs.measure(consume)


def redis_consume_batches(n: int, folder: str) -> Figure:
    """Copy 100 into a hash, trim the list, run them, delete them from the hash: two transactions a batch."""
    client, runs = _filled(n), Runs(n)

    def consume() -> None:
        done: list[int] = []
        number = 0
        while time.perf_counter() < runs.deadline:
            with client.pipeline() as pipe:
                if done:
                    pipe.hdel("held", *done)
                bodies = client.lrange("raw", 0, BLOCK - 1)
                if not bodies:
                    pipe.execute()
                    return
                done = list(range(number, number + len(bodies)))
                number += len(bodies)
                pipe.hset("held", mapping=dict(zip(done, bodies)))
                pipe.ltrim("raw", len(bodies), -1)
                pipe.execute()
            for text in bodies:
                runs(**from_json(text))

    return runs.measure(consume)


def redis_rpc(n: int, folder: str) -> Figure:
    """RPUSH there and BLPOP back, between two processes."""
    client = emptied()
    server: subprocess.Popen[str] = common.child("raw", "redis_rpc_server", folder=folder)
    assert server.stdout is not None
    server.stdout.readline()

    def trip(i: int) -> None:
        client.rpush("raw", body(i))
        client.blpop("reply", 10)

    try:
        return common.round_trips(n, trip)
    finally:
        server.kill()


def redis_rpc_server(folder: str) -> None:
    """Answers until it is killed."""
    import sys

    client = connect()
    print("ready", file=sys.__stdout__, flush=True)
    while True:
        got = client.blpop("raw", 60)
        client.rpush("reply", to_json(sum(from_json(got[1]).values())))


def redis_idle(seconds: float, folder: str) -> Figure:
    """A Python with pydantic and a connection of redis-py that only waits."""
    import pydantic

    pydantic.create_model("Model", x=(int, 1))
    emptied().blpop("raw", 0.1)
    return common.idle(seconds)


def redis_recovery(folder: str) -> Figure:
    """One beat of ours, to which the others are compared."""
    emptied()
    return {"value": 1.0, "unit": "s"}


def redis_cold_start(folder: str) -> Figure:
    """A BLPOP in a new process."""
    client = emptied()
    return common.cold_start("raw", lambda i: client.rpush("raw", body(i)), folder)


def worker(folder: str, who: str, seconds: float) -> None:
    """Runs what comes until it is killed."""
    client, function = connect(), common.worker_function(folder, who, seconds)
    while True:
        function(**from_json(client.blpop("raw", 60)[1]))
