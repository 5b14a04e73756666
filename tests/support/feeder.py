"""Publishing to a program's queues, and looking into them, from the test."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from funboost_core import BoosterParams, Environment, boost
from funboost_core.message import decode


class Feeder:
    """The queues of the program whose folder it is."""

    def __init__(self, folder: Path) -> None:
        settings = {"BROKER_KIND": "SQLITE_QUEUE", "CONCURRENT_MODE": "threading", "STATE_URL": "memory://"}
        self._environment = Environment({**settings, "DATA_DIR": str(folder / "data")})
        self._folder = folder
        self._boosters: dict[str, Any] = {}
        self._options: dict[str, Any] = {}
        self.pushed: set[str] = set()

    def booster(self, queue: str = "q") -> Any:
        """A task of that queue."""
        if queue not in self._boosters:

            def f(x: Any, s: float = 0) -> None:
                raise AssertionError("the test itself consumes nothing")

            params = BoosterParams(queue_name=queue, broker_exclusive_config=self._options)
            self._boosters[queue] = boost(params, environment=self._environment)(f)
        return self._boosters[queue]

    def push(self, seconds: list[float]) -> None:
        """Publish a task for each of these durations."""
        start = len(self.pushed)
        calls = [{"x": number, "s": duration} for number, duration in enumerate(seconds, start)]
        self.booster().push_many(calls)
        self.pushed |= {str(call["x"]) for call in calls}

    def take_all(self, queue: str = "q") -> list[dict[str, Any]]:
        """Consume what is in a queue: the decoded messages."""
        broker = self.booster(queue).task.make_broker()
        broker.open()
        broker.listen()
        messages = []
        while True:
            found = broker.fetch(1000, 0)
            if not found:
                broker.close()
                return messages
            messages += [decode(delivery.body, 1_000_000) for delivery in found]
            broker.ack(found)

    def close(self) -> None:
        """Let go of the file."""
        self._environment.close()

    def leftovers(self) -> dict[str, int]:
        """The rows of all tables that are not empty, but for the list of queues."""
        connection = sqlite3.connect(str(self._folder / "data" / "queues.sqlite3"))
        try:
            names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            counts = {n: connection.execute(f"SELECT count(*) FROM {n}").fetchone()[0] for n in names}
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        finally:
            connection.close()
        return {name: n for name, n in counts.items() if n and name not in {"queues", "sqlite_sequence"}}
