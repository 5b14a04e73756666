"""History in memory."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import nlargest
from math import inf
from typing import Any

from pydantic_core import from_json

from funboost_core.clock import Clock
from funboost_core.native import Lock
from funboost_core.ports.store import History, Record

from .expiring import Expiring


class MemoryHistory(History):
    """The records of past runs until their `ttl` ends."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._runs: Expiring[str, Record] = Expiring(clock.time)

    def save(self, records: Sequence[Record], ttl: float) -> None:
        """See `History.save`."""
        expires = self._clock.time() + ttl
        with self._lock:
            for record in records:
                self._runs.put(record.id, record, expires)

    def get(self, task_id: str) -> dict[str, Any] | None:
        """See `History.get`."""
        with self._lock:
            run = self._runs.get(str(task_id))
        return None if run is None else from_json(run.payload)

    def search(
        self,
        queue: str | None = None,
        success: bool | None = None,
        text: str | None = None,
        since: float | None = None,
        until: float | None = None,
        limit: int = 100,
        offset: int = 0,
        running: bool | None = None,
    ) -> list[dict[str, Any]]:
        """See `History.search`; case does not matter in `text`, and a task that runs has neither success."""
        with self._lock:
            runs = [run for _, run in self._runs.items()]
        wanted = text.casefold() if text else ""
        found = (
            run
            for run in runs
            if (queue is None or run.queue == queue)
            and (success is None or run.success is success)
            and (running is None or (run.success is None) is running)
            and (since is None or _started(run) >= since)
            and (until is None or -inf < _started(run) <= until)
            and wanted in run.searched
        )
        page = nlargest(offset + limit, found, key=_started)[offset:]
        return [from_json(run.payload) for run in page]

    def prune(self) -> int:
        """See `History.prune`."""
        with self._lock:
            return self._runs.sweep()


def _started(run: Record) -> float:
    return -inf if run.started is None else run.started
