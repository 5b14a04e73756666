"""Parked messages: for each target a sorted set of when each may be handed out, and a hash of the messages."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from funboost_core.ports.store import Parked, Parking

from .keys import Keys
from .link import Script
from .server import Server

_MOST = 500
"""Messages in one call of a script."""

_PARK = Script("""
for i = 1, #ARGV, 3 do
    redis.call('ZADD', KEYS[1], ARGV[i + 1], ARGV[i])
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 2])
end
""")
_CLAIM = Script("""
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.6f', now), 'LIMIT', 0, ARGV[1])
local found = {}
for _, id in ipairs(ids) do
    redis.call('ZADD', KEYS[1], string.format('%.6f', now + ARGV[2]), id)
    found[#found + 1] = id
    found[#found + 1] = redis.call('HGET', KEYS[2], id)
end
return found
""")
_DONE = Script("""
for i = 1, #ARGV, 2 do
    if redis.call('HGET', KEYS[2], ARGV[i]) == ARGV[i + 1] then
        redis.call('HDEL', KEYS[2], ARGV[i])
        redis.call('ZREM', KEYS[1], ARGV[i])
    end
end
""")
_PURGE = Script("""
local number = redis.call('ZCARD', KEYS[1])
redis.call('DEL', KEYS[1], KEYS[2])
return number
""")


class RedisParking(Parking):
    """Due by the server's clock."""

    def __init__(self, server: Server, keys: Keys) -> None:
        self._server = server
        self._keys = keys

    def _names(self, target: str) -> list[str]:
        return self._keys("parked-until", "parked", of=target)

    def park(self, messages: Sequence[Parked]) -> None:
        """See `Parking.park`; parking again ends a claim."""
        self._each(_PARK, ((m.target, [m.id, repr(float(m.due)), _pack(m)]) for m in messages))

    def claim(self, target: str, limit: int, lease: float) -> list[Parked]:
        """See `Parking.claim`."""
        found = self._server.run(_CLAIM, self._names(target), [min(limit, _MOST), repr(float(lease))])
        return [_unpack(id.decode(), target, packed) for id, packed in zip(found[::2], found[1::2])]

    def done(self, messages: Iterable[Parked]) -> None:
        """See `Parking.done`; a message that was parked anew meanwhile (its next try) stays."""
        self._each(_DONE, ((m.target, [m.id, _pack(m)]) for m in messages))

    def next_due(self, target: str) -> float | None:
        """See `Parking.next_due`; for a message that is claimed, the end of its claim."""
        first = self._server.ask("ZRANGE", self._names(target)[0], 0, 0, "WITHSCORES")
        return float(first[1]) if first else None

    def count(self, target: str) -> int:
        """See `Parking.count`."""
        return int(self._server.ask("ZCARD", self._names(target)[0]))

    def purge(self, target: str) -> int:
        """See `Parking.purge`."""
        return int(self._server.run(_PURGE, self._names(target), []))

    def _each(self, script: Script, rows: Iterable[tuple[str, list[object]]]) -> None:
        by_target: dict[str, list[list[object]]] = {}
        for target, row in rows:
            by_target.setdefault(target, []).append(row)
        for target, its in by_target.items():
            for start in range(0, len(its), _MOST):
                arguments = [value for row in its[start : start + _MOST] for value in row]
                self._server.run(script, self._names(target), arguments)


def _pack(message: Parked) -> bytes:
    return json.dumps([float(message.due), message.reason]).encode() + b"\n" + message.body


def _unpack(id: str, target: str, packed: bytes) -> Parked:
    head, _, body = packed.partition(b"\n")
    due, reason = json.loads(head)
    return Parked(id, target, body, due, reason)
