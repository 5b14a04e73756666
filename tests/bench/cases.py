"""What is measured: a case is one program of each peer, and the program of `peers/raw.py` that is its limit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Peer:
    """`module` is the file in `peers`; `python` the variable that names its interpreter, "" for ours.

    `venv`: it has an environment of its own name in the folder that FUNBOOST_BENCH_PEERS names (install_peers.py).
    """

    name: str
    module: str
    needs: str = ""
    python: str = ""
    venv: bool = False


@dataclass(frozen=True)
class Case:
    """`program` is a function of the peers' modules, `limit` one of `peers/raw.py`, `also` further ones of it.

    `options` are passed to all; `own` to the peers only.  `warm`: each program is run once before it is measured.
    """

    name: str
    program: str
    limit: str
    peers: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    own: dict[str, Any] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    aim: str = ""
    warm: bool = False


PEERS = {
    peer.name: peer
    for peer in (
        Peer("ours", "ours"),
        Peer("huey", "huey_sqlite", needs="huey"),
        Peer("original", "original", python="FUNBOOST_ORIGINAL_PYTHON"),
        Peer("celery", "celery_redis", venv=True),
        Peer("dramatiq", "dramatiq_redis", venv=True),
        Peer("rq", "rq_redis", venv=True),
        Peer("huey-redis", "huey_redis", venv=True),
        Peer("arq", "arq_redis", venv=True),
        Peer("taskiq", "taskiq_redis_stream", venv=True),
        Peer("saq", "saq_redis", venv=True),
    )
}


EVERY = ("celery", "dramatiq", "rq", "huey-redis", "original", "arq", "taskiq", "saq")
"""The peers on Redis."""


def _memory() -> list[Case]:
    n = {"n": 200_000}
    publish, consume, original = "memory_publish", "memory_consume", ("original",)
    return [
        Case("memory-publish", "publish", publish, original, n, aim="≥ 300k/s"),
        Case("memory-push-many", "push_many", publish, (), n),
        Case("memory-consume-solo", "consume", consume, original, n, {"mode": "single_thread"}, aim="≥ 400k/s"),
        Case("memory-consume-50-threads", "consume", consume, original, n, {"mode": "threading"}),
        Case("memory-consume-asyncio", "consume", consume, (), n, {"mode": "asyncio"}),
        Case("memory-rpc", "rpc", "memory_rpc", (), {"n": 2000}),
    ]


def _sqlite(durability: str, n: int) -> list[Case]:
    normal, name, both = durability == "NORMAL", f"sqlite-{durability.lower()}", ("huey", "original")
    one = {"n": n, "durability": durability}
    many = {"n": 100_000, "durability": durability}
    solo, threads = {"mode": "single_thread"}, {"mode": "threading"}
    slow = ("sqlite_consume_one_by_one",)
    consume = "≥ 150k/s" if normal else ""
    return [
        Case(f"{name}-publish", "publish", "sqlite_publish", both, one, aim="≥ 40k/s" if normal else "≥ 0.8 raw"),
        Case(f"{name}-push-many", "push_many", "sqlite_push_many", (), many),
        Case(f"{name}-consume-solo", "consume", "sqlite_consume", both, many, solo, slow, consume),
        Case(f"{name}-consume-50-threads", "consume", "sqlite_consume", both, many, threads),
        Case(f"{name}-consume-2-processes", "consume_2_processes", "sqlite_consume_2_processes", (), many, threads),
    ]


def _schedules(n: int) -> list[Case]:
    aims = {"add": "≥ 5k/s", "listing": "≥ 15k/s", "fire": "≥ 5k/s"}
    return [
        Case(
            f"schedules-{step}",
            "schedules",
            "sqlite_schedules",
            (),
            {"n": n, "durability": "NORMAL", "step": step},
            aim=aim,
        )
        for step, aim in aims.items()
    ]


def _redis(kind: str) -> list[Case]:
    name, own = kind.lower().replace("_", "-"), {"redis": kind}
    one, many = {"n": 20_000}, {"n": 200_000}
    solo, threads, loop = ({**own, "mode": mode} for mode in ("single_thread", "threading", "asyncio"))
    batches = ("redis_consume_batches",)
    threaded, coroutines = ("celery", "dramatiq", "huey-redis", "original"), ("arq", "taskiq", "saq")
    every = EVERY
    if kind != "REDIS_ACK_ABLE":
        threaded = coroutines = every = ()
    return [
        Case(f"{name}-publish", "publish", "redis_publish", every, one, own, aim="≥ 1.2 x, ≤ 0.7 of its CPU"),
        Case(f"{name}-publish-at-once", "publish", "redis_publish", (), many, {**own, "at_once": True}, aim="≥ 100k/s"),
        Case(f"{name}-push-many", "push_many", "redis_push_many", (), many, own, aim="≥ 250k/s"),
        Case(f"{name}-consume-solo", "consume", "redis_consume", every, many, solo, batches, "≥ 150k/s"),
        Case(f"{name}-consume-50-threads", "consume", "redis_consume", threaded, many, threads, aim="≥ 120k/s"),
        Case(f"{name}-consume-asyncio", "consume", "redis_consume", coroutines, many, loop, aim="≥ 80k/s"),
        Case(f"{name}-rpc", "rpc_2_processes", "redis_rpc", every, {"n": 1000}, own, aim="≤ 1.3 x"),
    ]


_ACK_ABLE = {"redis": "REDIS_ACK_ABLE"}
CASES = {
    case.name: case
    for case in (
        *_memory(),
        *_sqlite("NORMAL", 50_000),
        *_sqlite("FULL", 10_000),
        *_redis("REDIS_ACK_ABLE"),
        *_redis("REDIS_STREAM"),
        Case(
            "sqlite-rpc", "rpc_2_processes", "sqlite_rpc", (), {"n": 1000, "durability": "NORMAL"}, also=("pipe_rpc",)
        ),
        Case("idle-memory", "idle", "idle", (), {"seconds": 10}, aim="≤ 1 % CPU, ≤ 40 MB", warm=True),
        Case(
            "idle-sqlite",
            "idle",
            "idle",
            (),
            {"seconds": 10},
            {"durability": "NORMAL"},
            aim="≤ 1 % CPU, ≤ 40 MB",
            warm=True,
        ),
        Case("idle-redis", "idle", "redis_idle", EVERY, {"seconds": 3}, _ACK_ABLE, aim="≤ 40 MB", warm=True),
        Case("redis-recovery", "recovery", "redis_recovery", EVERY, {}, _ACK_ABLE, aim="≤ 2 beats"),
        Case("redis-cold-start", "cold_start", "redis_cold_start", EVERY, {}, _ACK_ABLE),
        Case("qps-100", "qps", "qps", (), {"rate": 100, "seconds": 5}, aim="worst second ≤ 102, mean within 1 %"),
        Case("qps-1000", "qps", "qps", (), {"rate": 1000, "seconds": 5}, aim="worst second ≤ 1020, mean within 1 %"),
        *_schedules(50_000),
        Case("import", "imports", "imports", EVERY, {}, aim="≤ 1.25 x"),
    )
}
