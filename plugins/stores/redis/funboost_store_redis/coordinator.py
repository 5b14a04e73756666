"""Coordination of consumers on all hosts; times are the server's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from funboost_core.consuming.orders import PAUSED
from funboost_core.ports.store import Coordinator

from .keys import Keys
from .link import Script
from .server import Server

_NOW = "local time = redis.call('TIME') local now = time[1] + time[2] / 1000000\n"
_TIDY = (  # KEYS: values, ends
    _NOW
    + """
local old = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', string.format('%.6f', now))
for i = 1, #old do
    redis.call('HDEL', KEYS[1], old[i])
    redis.call('ZREM', KEYS[2], old[i])
end
"""
)
_END = """
if redis.call('EXISTS', KEYS[1]) == 0 then return end
if redis.call('HLEN', KEYS[1]) == redis.call('ZCARD', KEYS[2]) then  -- all of it ends some time
    local latest = math.ceil(redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')[2] * 1000)
    redis.call('PEXPIREAT', KEYS[1], latest)
    redis.call('PEXPIREAT', KEYS[2], latest)
else
    redis.call('PERSIST', KEYS[1])
    redis.call('PERSIST', KEYS[2])
end
"""
_PUT = Script(  # name, value, TTL in seconds or ""
    _TIDY
    + """
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
if ARGV[3] == '' then redis.call('ZREM', KEYS[2], ARGV[1])
else redis.call('ZADD', KEYS[2], string.format('%.6f', now + ARGV[3]), ARGV[1]) end
"""
    + _END
)
_DROP = Script("redis.call('HDEL', KEYS[1], ARGV[1]) redis.call('ZREM', KEYS[2], ARGV[1])\n" + _END)
_ALL = Script(_TIDY + "return redis.call('HGETALL', KEYS[1])")
_ADD = Script("""
local values = {}
for i = 1, #ARGV, 2 do
    local value = ARGV[i + 1] == '0' and redis.call('HGET', KEYS[1], ARGV[i]) or 0
    if ARGV[i + 1] ~= '0' then
        value = redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1])
        if value == 0 then redis.call('HDEL', KEYS[1], ARGV[i]) end
    end
    values[#values + 1] = tonumber(value or 0)
end
return values
""")
_RESERVE = Script(  # interval, how many; the next due time goes when it is past, for then it says nothing more
    _NOW
    + """
local first = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0))
local following = first + ARGV[1] * ARGV[2]
redis.call('SET', KEYS[1], string.format('%.6f', following), 'PX', math.ceil((following - now) * 1000))
return string.format('%.6f', first - now)
"""
)


class RedisCoordinator(Coordinator):
    """Members and flags in hashes whose entries end by themselves; whether a queue is paused also as documented."""

    def __init__(self, server: Server, keys: Keys) -> None:
        self._server = server
        self._keys = keys

    def beat(self, scope: str, member: str, info: Mapping[str, Any], ttl: float) -> None:
        """See `Coordinator.beat`."""
        arguments = [member, json.dumps(dict(info)), repr(float(ttl))]
        self._server.run(_PUT, self._keys("members", "members-end", of=scope), arguments)

    def leave(self, scope: str, member: str) -> None:
        """See `Coordinator.leave`."""
        self._server.run(_DROP, self._keys("members", "members-end", of=scope), [member])

    def members(self, scope: str) -> dict[str, dict[str, Any]]:
        """See `Coordinator.members`."""
        found = self._server.run(_ALL, self._keys("members", "members-end", of=scope))
        return {name.decode(): json.loads(info) for name, info in zip(found[::2], found[1::2])}

    def set_flag(self, scope: str, name: str, value: str | None, ttl: float | None = None) -> None:
        """See `Coordinator.set_flag`."""
        keys = self._keys("flags", "flags-end", of=scope)
        if value is None:
            self._server.run(_DROP, keys, [name])
        else:
            self._server.run(_PUT, keys, [name, value, "" if ttl is None else repr(float(ttl))])
        if name == PAUSED:
            self._pause(scope, value, ttl)

    def flags(self, scope: str) -> dict[str, str]:
        """See `Coordinator.flags`; a program in any language may pause the queue by its documented keys."""
        found = self._server.run(_ALL, self._keys("flags", "flags-end", of=scope))
        key, all_queues = self._pause_keys(scope)
        documented = self._server.ask_all([("GET", key), ("HGET", all_queues, scope)])
        flags = {name.decode(): value.decode() for name, value in zip(found[::2], found[1::2])}
        if any(value is not None for value in documented):
            flags[PAUSED] = "1" if b"1" in documented else "0"
        return flags

    def _pause_keys(self, scope: str) -> tuple[str, str]:
        return self._keys.plain(f"funboost_pause_flag:{scope}"), self._keys.plain("funboost_pause_flag")

    def _pause(self, scope: str, value: str | None, ttl: float | None) -> None:
        """The string for other programs, and the hash that older ones read."""
        key, all_queues = self._pause_keys(scope)
        if value is None or ttl is not None:
            self._server.ask_all([("DEL", key), ("HDEL", all_queues, scope)])
        else:
            self._server.ask_all([("SET", key, value), ("HSET", all_queues, scope, value)])

    def add(self, scope: str, counts: Mapping[str, int]) -> dict[str, int]:
        """See `Coordinator.add`; a counter that is 0 takes no room."""
        arguments = [part for name, more in counts.items() for part in (name, int(more))]
        values = self._server.run(_ADD, self._keys("counters", of=scope), arguments) if arguments else []
        return dict(zip(counts, values))

    def reserve(self, scope: str, interval: float, most: int, horizon: float) -> tuple[float, int]:
        """See `Coordinator.reserve`; at least one due time, and none for the time in which nobody asked."""
        within = int(horizon / interval + 1e-9) + 1  # the one at the end of the horizon counts
        n = min(most, within)
        first = self._server.run(_RESERVE, self._keys("schedule", of=scope), [repr(float(interval)), n])
        return float(first), n
