"""The atomic steps of a queue whose messages come back after a time.

================  ====================================================================================================
``q``             list of messages as they are; taken from the left, published to the right
``{q}:unacked``   sorted set: name of a delivery → when its message comes back
``{q}:held``      hash: name of a delivery → message
``{q}:delayed``, ``{q}:attempts``, ``{q}:returned``: as in `funboost_store_redis`
================  ====================================================================================================

The name of a delivery is the name of its call, which no other ever gets, and its place in it.
"""

from __future__ import annotations

from funboost_store_redis.brokers.scripts import ARRIVE, FROM_THE_LEFT
from funboost_store_redis.link import Script

_NOW = "local time = redis.call('TIME') local now = time[1] + time[2] / 1000000\n"

# KEYS: list, unacked, held, delayed, attempts
# ARGV: name of the call, limit, seconds, name of a call that may have failed or "", deliveries to acknowledge …
CLAIM = Script(
    _NOW
    + """
local list, unacked, held, delayed, attempts = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local limit = tonumber(ARGV[2])
redis.call('HDEL', held, '-')  -- a first write, so that a server without memory lets the others pass
for i = 5, #ARGV, 1000 do
    local last = math.min(i + 999, #ARGV)
    redis.call('HDEL', held, unpack(ARGV, i, last))
    redis.call('ZREM', unacked, unpack(ARGV, i, last))
end
local function back(name, died)
    local body = redis.call('HGET', held, name)
    if body then
        redis.call('LPUSH', list, body)
        if died then
            redis.call('HINCRBY', attempts, redis.sha1hex(body), 1)
            redis.call('EXPIRE', attempts, 604800)
        end
    end
    redis.call('HDEL', held, name)
    redis.call('ZREM', unacked, name)
    return body
end
if ARGV[4] ~= '' then
    local last = 0
    while redis.call('HEXISTS', held, ARGV[4] .. last) == 1 do last = last + 1 end
    for i = last - 1, 0, -1 do back(ARGV[4] .. i, false) end
end
local text = string.format('%.6f', now)
local late = redis.call('ZRANGEBYSCORE', unacked, '-inf', text, 'LIMIT', 0, 1000)
for i = #late, 1, -1 do back(late[i], true) end
local due = redis.call('ZRANGEBYSCORE', delayed, '-inf', text, 'LIMIT', 0, 1000)
for i = #due, 1, -1 do
    redis.call('LPUSH', list, string.sub(due[i], 28))
    redis.call('ZREM', delayed, due[i])
end
local found, flat, ends, counts = {}, {}, {}, false
if limit > 0 then found = redis.call('LRANGE', list, 0, limit - 1) end
if #found > 0 then
    local until_ = string.format('%.6f', now + ARGV[3])
    for i = 1, #found do
        local name = ARGV[1] .. (i - 1)
        flat[2 * i - 1], flat[2 * i] = name, found[i]
        ends[2 * i - 1], ends[2 * i] = until_, name
    end
    redis.call('HSET', held, unpack(flat))
    redis.call('ZADD', unacked, unpack(ends))
    redis.call('LTRIM', list, #found, -1)
    if redis.call('EXISTS', attempts) == 1 then
        counts = {}
        for i = 1, #found do counts[i] = 1 + (redis.call('HGET', attempts, redis.sha1hex(found[i])) or 0) end
    end
end
local until_due = -1
for _, name in ipairs({delayed, unacked}) do
    local first = redis.call('ZRANGE', name, 0, 0, 'WITHSCORES')[2]
    if first then
        local left = math.max(1, math.ceil((first - now) * 1000))
        if until_due < 0 or left < until_due then until_due = left end
    end
end
return {until_due, counts, found, #late}
"""
)

# KEYS: list, unacked, held, returned   ARGV: deliveries …
REQUEUE = Script("""
for i = #ARGV, 1, -1 do
    local body = redis.call('HGET', KEYS[3], ARGV[i])
    if body then
        local digest = redis.sha1hex(body)
        if redis.call('SREM', KEYS[4], digest) == 1 then redis.call('RPUSH', KEYS[1], body)
        else
            redis.call('SADD', KEYS[4], digest)
            redis.call('LPUSH', KEYS[1], body)
        end
        redis.call('HDEL', KEYS[3], ARGV[i])
        redis.call('ZREM', KEYS[2], ARGV[i])
    end
end
redis.call('EXPIRE', KEYS[4], 3600)
""")

# KEYS: unacked, held, attempts, target's list, target's delayed, target's attempts
# ARGV: delivery, message, due or "", head, earlier deliveries
FORWARD = Script(
    FROM_THE_LEFT
    + ARRIVE
    + """
local body = redis.call('HGET', KEYS[2], ARGV[1])
if not body then return end
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[3], redis.sha1hex(body))
arrive(KEYS[4], KEYS[5], KEYS[6], ARGV[2], ARGV[3], ARGV[4], ARGV[5])
"""
)
