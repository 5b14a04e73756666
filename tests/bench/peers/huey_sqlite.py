"""Huey on SQLite: NORMAL is its default (not even flushed at checkpoints), FULL is ``fsync=True``.

It removes a message when it is fetched; what runs when the process dies is lost.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import common
from common import Figure, Runs
from huey import SqliteHuey


def _huey(folder: str, durability: str) -> Any:
    return SqliteHuey(filename=str(Path(folder, "huey.sqlite3")), fsync=durability == "FULL", results=False)


def publish(n: int, folder: str, durability: str) -> Figure:
    """Call the decorated function."""
    huey = _huey(folder, durability)

    @huey.task()
    def add(x: int, y: int) -> int:
        return x + y

    return common.publish(n, lambda i: add(i, y=2))


def consume(n: int, folder: str, durability: str, mode: str) -> Figure:
    """Its own consumer, with 1 or 50 threads."""
    huey, runs = _huey(folder, durability), Runs(n)

    @huey.task()
    def add(x: int, y: int) -> None:
        runs(x, y)

    runs.total = common.publish(n, lambda i: add(i, y=2))["messages"]
    consumer = huey.create_consumer(workers=1 if mode == "single_thread" else 50, periodic=False)
    return runs.measure(consumer.start)
