"""History in memory."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from heapq import nlargest
from math import inf
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from funboost_core.clock import Clock
from funboost_core.native import Lock
from funboost_core.ports.store import History

from .expiring import Expiring


class _Run(NamedTuple):
    """What is searched for in a record, and the record as JSON: a copy that nobody can change, as other stores keep."""

    queue: Any
    success: bool | None
    started: float
    searched: str
    payload: bytes


class MemoryHistory(History):
    """The records of past runs until their `ttl` ends."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._runs: Expiring[str, _Run] = Expiring(clock.time)

    def save(self, records: Sequence[Mapping[str, Any]], ttl: float) -> None:
        """See `History.save`."""
        runs = [(str(record["_id"]), _run(record)) for record in records]
        expires = self._clock.time() + ttl
        with self._lock:
            for task_id, run in runs:
                self._runs.put(task_id, run, expires)

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
            and (since is None or run.started >= since)
            and (until is None or -inf < run.started <= until)
            and wanted in run.searched
        )
        page = nlargest(offset + limit, found, key=lambda run: run.started)[offset:]
        return [from_json(run.payload) for run in page]

    def prune(self) -> int:
        """See `History.prune`."""
        with self._lock:
            return self._runs.sweep()


def _run(record: Mapping[str, Any]) -> _Run:
    started = record.get("time_start")
    running = record.get("run_status") == "running"
    return _Run(
        queue=record.get("queue_name"),
        success=None if running else bool(record.get("success")),
        started=-inf if started is None else float(started),
        searched=f"{record.get('params_str') or ''}\n{record.get('exception') or ''}".casefold(),
        payload=_encode(record),
    )


def _encode(record: Mapping[str, Any]) -> bytes:
    """JSON; what it cannot carry (a result, say) becomes its text."""
    try:
        return to_json(record, fallback=repr)
    except ValueError:  # bytes or text that are no UTF-8, which the slower encoder copes with
        return json.dumps(record, default=repr, skipkeys=True, ensure_ascii=False).encode("utf-8", "replace")
