"""The atomic steps of a queue in a stream.

====================  ================================================================================================
``q``                 the stream; a fetched entry is pending for its consumer, an acknowledged one is deleted
consumer `returned`   of the group: pending for it is what was given back or held by the dead; it is taken first
``{q}:held:<id>``     hash that exists while the consumer is registered; fields as in `funboost_store_redis`
``{q}:delayed``       as in `funboost_store_redis`
``{q}:attempts``      hash: entry → earlier deliveries that nobody settled, of entries that were put off
``{q}:returned``      set: entries that were given back once; ends after an hour
====================  ================================================================================================

The number of deliveries that Redis keeps for a pending entry is, for `returned`, that of those that nobody settled.
"""

from __future__ import annotations

from funboost_store_redis.link import Script

_NOW = "local time = redis.call('TIME') local now = time[1] + time[2] / 1000000\n"
_START = """
local group = '%s'
local function there(stream) return not redis.pcall('XPENDING', stream, group).err end
local function ensure(stream)
    if not there(stream) then redis.call('XGROUP', 'CREATE', stream, group, '0', 'MKSTREAM') end
end
local function mine(stream, id, consumer) return redis.call('XPENDING', stream, group, id, id, 1, consumer)[1] end
local function give_back(stream, id, count)
    redis.call('XCLAIM', stream, group, 'returned', 0, id, 'RETRYCOUNT', count, 'JUSTID')
end
local function forget(stream, attempts, first)
    for i = first, #ARGV, 1000 do
        local last = math.min(i + 999, #ARGV)
        redis.call('XACK', stream, group, unpack(ARGV, i, last))
        redis.call('XDEL', stream, unpack(ARGV, i, last))
        redis.call('HDEL', attempts, unpack(ARGV, i, last))
    end
end
local function all_back(stream, consumer, less, known)
    local number, start = 0, '-'
    while true do
        local pending = redis.call('XPENDING', stream, group, start, '+', 1000, consumer)
        for i = 1, #pending do
            if not known[pending[i][1]] then
                give_back(stream, pending[i][1], math.max(0, pending[i][4] - less))
                number = number + 1
            end
        end
        if #pending < 1000 then return number end
        start = '(' .. pending[#pending][1]
    end
end
"""

# KEYS: held, stream, delayed, attempts   ARGV: consumer, number of the call, limit, entries to acknowledge …
_CLAIM = """
local held, stream, delayed = KEYS[1], KEYS[2], KEYS[3]
local refused, call, limit = redis.call('HGET', held, ''), tonumber(ARGV[2]), tonumber(ARGV[3])
if not refused then  -- it has left, maybe as the last one: it makes no stream anew
    if there(stream) then all_back(stream, ARGV[1], 1, {}) end  -- a wait that was answered after it was taken for dead
    return -1
end
ensure(stream)
forget(stream, KEYS[4], 4)
if call <= tonumber(refused) then return -2 end
local until_due = -1
local first = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
if first[1] then
    local time = redis.call('TIME')
    local now = time[1] + time[2] / 1000000
    local due = redis.call('ZRANGEBYSCORE', delayed, '-inf', string.format('%.6f', now), 'LIMIT', 0, 1000)
    for i = 1, #due do
        local deaths = string.match(string.sub(due[i], 1, 3), '^0*(%d+)$')
        local id = redis.call('XADD', stream, '*', '', string.sub(due[i], 28))
        if deaths ~= '0' then
            redis.call('HSET', KEYS[4], id, deaths)
            redis.call('EXPIRE', KEYS[4], 604800)
        end
        redis.call('ZREM', delayed, due[i])
    end
    first = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
    if first[1] then until_due = math.max(1, math.ceil((first[2] - now) * 1000)) end
end
local found, counts = {}, {}
if limit > 0 then
    for _, entry in ipairs(redis.call('XPENDING', stream, group, '-', '+', limit, 'returned')) do
        local got = redis.call('XCLAIM', stream, group, ARGV[1], 0, entry[1], 'RETRYCOUNT', entry[4] + 1)[1]
        if got and got[2] then
            found[#found + 1] = got
            counts[#found] = entry[4] + 1
        end
    end
end
if limit > #found then
    local new = redis.call('XREADGROUP', 'GROUP', group, ARGV[1], 'COUNT', limit - #found, 'STREAMS', stream, '>')
    for _, entry in ipairs(new and new[1][2] or {}) do
        found[#found + 1] = entry
        counts[#found] = 1
    end
end
if redis.call('EXISTS', KEYS[4]) == 1 then
    for i = 1, #found do
        counts[i] = counts[i] + (redis.call('HGET', KEYS[4], found[i][1]) or 0)
    end
end
return {until_due, found, counts}
"""

# KEYS: held, stream, delayed, attempts   ARGV: consumer, entries …
_ACK = """
if redis.call('HEXISTS', KEYS[1], '') == 0 then return end
forget(KEYS[2], KEYS[4], 2)
return 1
"""

# KEYS: held, stream, returned   ARGV: consumer, entries …
_REQUEUE = """
if redis.call('HEXISTS', KEYS[1], '') == 0 then return end
for i = 2, #ARGV do
    local entry = mine(KEYS[2], ARGV[i], ARGV[1])
    if entry and redis.call('SADD', KEYS[3], entry[1]) == 1 then
        give_back(KEYS[2], entry[1], entry[4] - 1)
    elseif entry then  -- the second time it goes behind the others
        redis.call('SREM', KEYS[3], entry[1])
        local was = redis.call('XRANGE', KEYS[2], entry[1], entry[1])[1]
        if was then redis.call('XADD', KEYS[2], '*', unpack(was[2])) end
        redis.call('XACK', KEYS[2], group, entry[1])
        redis.call('XDEL', KEYS[2], entry[1])
    end
end
redis.call('EXPIRE', KEYS[3], 3600)
"""

_ARRIVE = """
local function arrive(stream, delayed, attempts, body, due, head, earlier)
    if due ~= '' then return redis.call('ZADD', delayed, due, head .. body) end
    local id = redis.call('XADD', stream, '*', '', body)
    if earlier ~= '0' then
        redis.call('HSET', attempts, id, earlier)
        redis.call('EXPIRE', attempts, 604800)
    end
end
"""

# KEYS: stream, delayed, attempts   ARGV: message, due or "", head, earlier deliveries
_RECEIVE = _ARRIVE + "arrive(KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2], ARGV[3], ARGV[4])"

# KEYS: held, stream, target, target's delayed, target's attempts
# ARGV: consumer, entry, message, due or "", head, earlier deliveries
_FORWARD = (
    _ARRIVE
    + """
if redis.call('HEXISTS', KEYS[1], '') == 0 or not mine(KEYS[2], ARGV[2], ARGV[1]) then return end
arrive(KEYS[3], KEYS[4], KEYS[5], ARGV[3], ARGV[4], ARGV[5], ARGV[6])
redis.call('XACK', KEYS[2], group, ARGV[2])
redis.call('XDEL', KEYS[2], ARGV[2])
return 1
"""
)

# KEYS: held, waiting (not used), owners, graves, attempts, stream   ARGV: consumer, seconds of silence or "", connection
_BURY = (
    _NOW
    + """
local owners, graves, stream, died = KEYS[3], KEYS[4], KEYS[6], ARGV[2] ~= ''
local seen = redis.call('ZSCORE', owners, ARGV[1])
if not seen or (died and tonumber(seen) > now - ARGV[2]) then return -1 end
if died and (redis.call('HGET', KEYS[1], 'c') or '0') ~= ARGV[3] then return -1 end
local number = 0
if there(stream) then
    number = all_back(stream, ARGV[1], died and 0 or 1, {})
    redis.call('XGROUP', 'DELCONSUMER', stream, group, ARGV[1])
end
redis.call('DEL', KEYS[1])
redis.call('ZREM', owners, ARGV[1])
if died then
    redis.call('ZADD', graves, now, ARGV[1])
    redis.call('EXPIRE', graves, 3600)
elseif there(stream) and redis.call('XLEN', stream) == 0
    and redis.call('EXISTS', owners) == 0 and #redis.call('XINFO', 'GROUPS', stream) == 1 then
    redis.call('DEL', stream)
end
return number
"""
)

# KEYS: graves, stream   ARGV: start of names (not used)
_EXHUME = (
    _NOW
    + """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - 3600)
if not there(KEYS[2]) then return 0 end
local found = 0
for _, consumer in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    found = found + all_back(KEYS[2], consumer, 1, {})
end
return found
"""
)

# KEYS: held, stream   ARGV: consumer, number of the call, entries that the consumer knows of …
_RESOLVE = """
if redis.call('HEXISTS', KEYS[1], '') == 0 then return -1 end
redis.call('HSET', KEYS[1], '', ARGV[2])
local known = {}
for i = 3, #ARGV do known[ARGV[i]] = true end
if not there(KEYS[2]) then return 0 end
return all_back(KEYS[2], ARGV[1], 1, known)
"""

# KEYS: stream, delayed
_COUNT = """
local number = redis.call('XLEN', KEYS[1]) + redis.call('ZCARD', KEYS[2])
local pending = redis.pcall('XPENDING', KEYS[1], group)
if pending.err or not pending[4] then return number end
for _, consumer in ipairs(pending[4]) do
    if consumer[1] ~= 'returned' then number = number - consumer[2] end
end
return number
"""

# KEYS: stream, delayed, returned
_PURGE = """
redis.call('DEL', KEYS[2], KEYS[3])
if redis.call('EXISTS', KEYS[1]) == 0 then return end
local last = '-'
for _, its in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
    local fields = {}
    for i = 1, #its, 2 do fields[its[i]] = its[i + 1] end
    if fields['name'] == group then last = '(' .. fields['last-delivered-id'] end
end
while true do
    local new = redis.call('XRANGE', KEYS[1], last, '+', 'COUNT', 1000)
    for i = 1, #new do redis.call('XDEL', KEYS[1], new[i][1]) end
    if #new < 1000 then break end
end
if last == '-' then return end
while true do
    local back = redis.call('XPENDING', KEYS[1], group, '-', '+', 1000, 'returned')
    for i = 1, #back do
        redis.call('XACK', KEYS[1], group, back[i][1])
        redis.call('XDEL', KEYS[1], back[i][1])
    end
    if #back < 1000 then return end
end
"""


class StreamScripts:
    """The scripts of one group."""

    def __init__(self, group: str) -> None:
        start = _START % group
        self.group = group
        self.ensure = Script(start + "ensure(KEYS[1])")
        self.claim = Script(start + _CLAIM)
        self.ack = Script(start + _ACK)
        self.requeue = Script(start + _REQUEUE)
        self.forward = Script(start + _FORWARD)
        self.receive = Script(_RECEIVE)
        self.bury = Script(start + _BURY)
        self.exhume = Script(start + _EXHUME)
        self.resolve = Script(start + _RESOLVE)
        self.count = Script(start + _COUNT)
        self.purge = Script(start + _PURGE)
