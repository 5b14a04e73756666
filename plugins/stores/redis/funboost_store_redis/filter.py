"""Uniqueness: for each scope a hash of holders and a sorted set of when each key ends."""

from __future__ import annotations

from collections.abc import Sequence

from funboost_core.ports.store import Filter

from .keys import Keys
from .link import Script
from .server import Server

_START = """
local holders, ends, key = KEYS[1], KEYS[2], ARGV[1]
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local old = redis.call('ZRANGEBYSCORE', ends, '-inf', now, 'LIMIT', 0, 20)
if #old > 0 then
    redis.call('ZREM', ends, unpack(old))
    redis.call('HDEL', holders, unpack(old))
end
local last = redis.call('ZSCORE', ends, key)
local present = last and tonumber(last) > now and redis.call('HGET', holders, key)
local function put(holder, ttl)
    redis.call('HSET', holders, key, holder)
    redis.call('ZADD', ends, ttl == '' and '+inf' or string.format('%.6f', now + ttl), key)
    local latest = tonumber(redis.call('ZRANGE', ends, -1, -1, 'WITHSCORES')[2])
    for _, name in ipairs({holders, ends}) do
        if latest == math.huge then redis.call('PERSIST', name)
        else redis.call('PEXPIREAT', name, math.ceil(latest * 1000)) end
    end
end
"""
# A holder is stored with a mark in front, so that none can be called what means done.
_CLAIM = Script(
    _START
    + """
if present and present ~= ':' .. ARGV[2] then return present end
put(':' .. ARGV[2], ARGV[3])
"""
)
_RENEW = Script(_START + "if present == ':' .. ARGV[2] then put(present, ARGV[3]) end")
_KEEP = Script(_START + "put('done', ARGV[2])")
_RELEASE = Script(
    _START
    + """
if present == ':' .. ARGV[2] then
    redis.call('HDEL', holders, key)
    redis.call('ZREM', ends, key)
end
"""
)


class RedisFilter(Filter):
    """A script makes looking and claiming one step; a scope whose last key has ended leaves nothing."""

    def __init__(self, server: Server, keys: Keys) -> None:
        self._server = server
        self._keys = keys

    def _names(self, scope: str) -> list[str]:
        return self._keys("filter-holders", "filter-ends", of=scope)

    def claim(self, scope: str, key: str, holder: str, lease: float) -> str | None:
        """See `Filter.claim`; claiming again renews the lease."""
        present = self._server.run(_CLAIM, self._names(scope), [key, holder, repr(float(lease))])
        return None if present is None else present.decode().lstrip(":")

    def renew(self, claims: Sequence[tuple[str, str, str]], lease: float) -> None:
        """See `Filter.renew`."""
        for scope, key, holder in claims:
            self._server.run(_RENEW, self._names(scope), [key, holder, repr(float(lease))])

    def keep(self, scope: str, key: str, ttl: float | None) -> None:
        """See `Filter.keep`."""
        self._server.run(_KEEP, self._names(scope), [key, "" if ttl is None else repr(float(ttl))])

    def release(self, scope: str, key: str, holder: str) -> None:
        """See `Filter.release`."""
        self._server.run(_RELEASE, self._names(scope), [key, holder])

    def clear(self, scope: str) -> None:
        """See `Filter.clear`."""
        self._server.ask("DEL", *self._names(scope))
