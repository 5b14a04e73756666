"""Jobs in the Redis server of the brokers, shared by all hosts.

For each queue a hash of the jobs by id, and a sorted set of when each can be claimed.  The keys are named after those of
earlier versions but are others: those hold pickles, and APScheduler deletes a job there that it cannot unpickle.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING

from funboost_store_redis.address import url_of
from funboost_store_redis.errors import RedisUnavailable
from funboost_store_redis.keys import Keys
from funboost_store_redis.link import Script
from funboost_store_redis.server import Server, attach, detach

from .base import Row, Table

if TYPE_CHECKING:
    from funboost_core.environment import Environment

_INSERT = Script("""
if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 0 then return 0 end
if ARGV[3] ~= '-' then redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1]) end
return 1
""")
_SWAP = Script("""
local done = {}
for i = 1, #ARGV, 4 do
    local id, version, new, ready = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
    local present = redis.call('HGET', KEYS[1], id)
    local same = present and string.match(present, '^%d+') == version
    if same then
        if new == '' then redis.call('HDEL', KEYS[1], id) else redis.call('HSET', KEYS[1], id, new) end
        if ready == '-' then redis.call('ZREM', KEYS[2], id) else redis.call('ZADD', KEYS[2], ready, id) end
    end
    done[#done + 1] = same and 1 or 0
end
return done
""")
_DELETE = Script("redis.call('ZREM', KEYS[2], ARGV[1]) return redis.call('HDEL', KEYS[1], ARGV[1])")
_CLAIM = Script("""
local found = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])) do
    local packed = redis.call('HGET', KEYS[1], id)
    if packed then
        local version, times, body = string.match(packed, '^(%d+) (%S+ %S+) %S+(.*)$')
        packed = string.format('%d %s %s', version + 1, times, ARGV[2]) .. body
        redis.call('HSET', KEYS[1], id, packed)
        redis.call('ZADD', KEYS[2], ARGV[2], id)
        found[#found + 1] = id
        found[#found + 1] = packed
    else  -- somebody has deleted it by hand
        redis.call('ZREM', KEYS[2], id)
    end
end
return found
""")


class RedisTable(Table):
    """Each step is one script; the times are the schedulers' own."""

    def __init__(self, environment: Environment) -> None:
        self._place = url_of(environment.settings)
        self._keys = Keys(environment)
        self._attached: Server | None = None
        try:
            self._server.ask("PING")
        except RedisUnavailable:
            pass  # it may come; who uses the jobs is told
        except BaseException:
            self.close()
            raise

    def insert(self, row: Row) -> bool:
        """See `Table.insert`."""
        row = row._replace(version=1)
        return bool(self._server.run(_INSERT, self._names(row.queue), [row.id, _pack(row), _time(row.ready)]))

    def get(self, queue: str, id: str) -> Row | None:
        """See `Table.get`."""
        packed = self._server.ask("HGET", self._names(queue)[0], id)
        return None if packed is None else _unpack(queue, id, packed)

    def all(self, queue: str) -> list[Row]:
        """See `Table.all`."""
        found = self._server.ask("HGETALL", self._names(queue)[0])
        return sorted(_rows(queue, found), key=lambda row: (inf if row.due is None else row.due, row.id))

    def swap(self, changes: Sequence[tuple[Row, Row | None]]) -> list[bool]:
        """See `Table.swap`; the changes are of one queue."""
        arguments: list[object] = []
        for old, new in changes:
            packed = b"" if new is None else _pack(new._replace(version=old.version + 1))
            arguments += [old.id, old.version, packed, _time(new and new.ready)]
        if not arguments:
            return []
        return [bool(done) for done in self._server.run(_SWAP, self._names(changes[0][0].queue), arguments)]

    def delete(self, queue: str, id: str) -> bool:
        """See `Table.delete`."""
        return bool(self._server.run(_DELETE, self._names(queue), [id]))

    def clear(self, queue: str) -> None:
        """See `Table.clear`."""
        self._server.ask("DEL", *self._names(queue))

    def claim(self, queue: str, now: float, lease: float, limit: int) -> list[Row]:
        """See `Table.claim`."""
        return _rows(queue, self._server.run(_CLAIM, self._names(queue), [_time(now), _time(now + lease), limit]))

    def next_ready(self, queue: str) -> float | None:
        """See `Table.next_ready`."""
        first = self._server.ask("ZRANGE", self._names(queue)[1], 0, 0, "WITHSCORES")
        return float(first[1]) if first else None

    def close(self) -> None:
        """See `Table.close`."""
        if self._attached is not None:
            detach(self._attached, self)
            self._attached = None

    @property
    def _server(self) -> Server:
        """The connections; new ones when they have been released, or belong to the process that this one was forked from."""
        server = self._attached
        if server is None or server.closed:
            server = self._attached = attach(*self._place, self)
        return server

    def _names(self, queue: str) -> list[str]:
        return [self._keys.plain(f"funboost.apscheduler.{what}.json:{{{queue}}}") for what in ("jobs", "run_times")]


def _time(seconds: float | None) -> str:
    return "-" if seconds is None else repr(float(seconds))


def _pack(row: Row) -> bytes:
    """A line with version, planned, due and ready; then the JSON."""
    return b"%d %s\n" % (row.version, " ".join(map(_time, (row.planned, row.due, row.ready))).encode()) + row.body


def _unpack(queue: str, id: str, packed: bytes) -> Row:
    head, _, body = packed.partition(b"\n")
    version, *times = head.decode().split()
    planned, due, ready = (None if time == "-" else float(time) for time in times)
    return Row(queue, id, body, planned, due, ready, int(version))


def _rows(queue: str, found: Sequence[bytes]) -> list[Row]:
    return [_unpack(queue, id.decode(), packed) for id, packed in zip(found[::2], found[1::2])]
