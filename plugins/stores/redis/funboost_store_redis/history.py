"""History: a string of JSON a run, and for each queue an index by start and one by expiry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from heapq import merge
from itertools import islice
from math import inf
from typing import Any

from pydantic_core import from_json

from funboost_core.ports.store import History, Record

from .keys import Keys
from .link import Script
from .server import Server

PAGE = 500
"""Records that are looked at in one round trip."""

_SAVE = Script("""
local now = redis.call('TIME')
now = now[1] + now[2] / 1000000
local ttl, longest = tonumber(ARGV[1]), 0
redis.call('SADD', KEYS[3], ARGV[2])
for i = 3, #ARGV, 4 do
    redis.call('SET', ARGV[i], ARGV[i + 3], 'PX', ttl)
    redis.call('ZADD', KEYS[1], ARGV[i + 2], ARGV[i + 1])
    redis.call('ZADD', KEYS[2], string.format('%.3f', now + ttl / 1000), ARGV[i + 1])
end
for i = 1, 2 do
    if redis.call('PTTL', KEYS[i]) < ttl then redis.call('PEXPIRE', KEYS[i], ttl) end
end
if redis.call('PTTL', KEYS[3]) < ttl then redis.call('PEXPIRE', KEYS[3], ttl) end
""")

_PRUNE = Script("""
local now = redis.call('TIME')
local ids = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now[1] + now[2] / 1000000, 'LIMIT', 0, 1000)
if #ids > 0 then
    redis.call('ZREM', KEYS[1], unpack(ids))
    redis.call('ZREM', KEYS[2], unpack(ids))
end
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('SREM', KEYS[3], ARGV[1]) end
return #ids
""")


class RedisHistory(History):
    """The records of past runs; they end by themselves, `prune` only tidies the indexes."""

    def __init__(self, server: Server, keys: Keys) -> None:
        self._server = server
        self._keys = keys

    def _indexes(self, queue: str) -> list[str]:
        return self._keys("history-started", "history-expires", of=queue)

    @property
    def _queues(self) -> str:
        return self._keys("history-queues", of="")[0]

    def _record(self, task_id: str) -> str:
        return self._keys("history", of=task_id)[0]

    def save(self, records: Sequence[Record], ttl: float) -> None:
        """See `History.save`."""
        by_queue: dict[str, list[Any]] = {}
        for record in records:
            score = "-inf" if record.started is None else repr(record.started)
            row = [self._record(record.id), record.id, score, record.payload]
            by_queue.setdefault(record.queue, []).extend(row)
        for queue, rows in by_queue.items():
            for start in range(0, len(rows), 4 * PAGE):
                arguments = [max(1, int(ttl * 1000)), queue, *rows[start : start + 4 * PAGE]]
                self._server.run(_SAVE, [*self._indexes(queue), self._queues], arguments)

    def get(self, task_id: str) -> dict[str, Any] | None:
        """See `History.get`."""
        payload = self._server.ask("GET", self._record(str(task_id)))
        return None if payload is None else from_json(payload)

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
        """See `History.search`; a text is looked for in one record after the other, newest first."""
        queues = (
            [queue] if queue is not None else [name.decode() for name in self._server.ask("SMEMBERS", self._queues)]
        )
        found = merge(*(self._newest(name, since, until) for name in queues), key=_started, reverse=True)
        wanted = text.casefold() if text else ""
        matching = (
            record
            for record in found
            if (running is None or (record.get("run_status") == "running") is running)
            and (success is None or (record.get("run_status") != "running" and bool(record.get("success")) is success))
            and (
                not wanted or wanted in f"{record.get('params_str') or ''}\n{record.get('exception') or ''}".casefold()
            )
        )
        return list(islice(matching, offset, offset + limit))

    def _newest(self, queue: str, since: float | None, until: float | None) -> Iterator[dict[str, Any]]:
        lowest = "-inf" if since is None else repr(float(since))
        highest = "+inf" if until is None else repr(float(until))
        if until is not None and since is None:
            lowest = "(-inf"  # what has no start is not before any time
        start = 0
        while True:
            ids = self._server.ask("ZREVRANGEBYSCORE", self._indexes(queue)[0], highest, lowest, "LIMIT", start, PAGE)
            if not ids:
                return
            start += len(ids)
            for payload in self._server.ask("MGET", *(self._record(task_id.decode()) for task_id in ids)):
                record = None if payload is None else from_json(payload)
                if record is not None and str(record.get("queue_name")) == queue:  # it may have moved to another
                    yield record

    def prune(self) -> int:
        """See `History.prune`; 0, for the records themselves have ended at their time."""
        for name in self._server.ask("SMEMBERS", self._queues):
            queue = name.decode()
            while self._server.run(_PRUNE, [*self._indexes(queue), self._queues], [queue]):
                pass
        return 0


def _started(record: Mapping[str, Any]) -> float:
    started = record.get("time_start")
    return -inf if started is None else float(started)
