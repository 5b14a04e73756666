"""The atomic steps of a queue of lists.

============================  ========================================================================================
``q``, ``q:1`` … ``q:n``      lists of messages as they are, by priority; taken from the left and published to the right,
                              or the other way round
``{q}:held:<consumer>``       hash of what a consumer has fetched and not settled: number → message; that it exists is
                              the proof that the consumer was not taken for dead.  Field "" = up to which number of a
                              call claims are refused, field "c" = the server's id of the connection that it holds
``{q}:waiting:<consumer>``    list into which a consumer that waits lets the server move one message
``{q}:bell``                  list that says that one of several lists got a message: one can wait at one list only
``{q}:owners``                sorted set: consumer → when it last gave a sign of life
``{q}:delayed``               sorted set: list's place (3 digits), unique part (24 characters), message → when it is due
``{q}:attempts``              hash: digest of a message → how many consumers have died of it; ends after a week
``{q}:returned``              set: digests of messages that were given back once; ends after an hour
``{q}:graves``                sorted set: consumer that was taken for dead → when; a wait of its own may have come after
============================  ========================================================================================

The number of a message is (number of the call × 1024 + its place in it) × 256 + the place of its list.
"""

from __future__ import annotations

from ..link import Script

PLACES = 256
CALL = 1024 * PLACES
"""From the number of a call to the numbers of its messages."""

_NOW = "local time = redis.call('TIME') local now = time[1] + time[2] / 1000000\n"
_DAYS = "604800"

# KEYS: held, waiting, delayed, attempts, lists …
# ARGV: number of the call, limit, "1" after a wait, numbers to acknowledge …
_CLAIM = """
local held, waiting, delayed, attempts = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local last = #KEYS
local refused = redis.call('HGET', held, '')
local call = tonumber(ARGV[1])
for i = 4, #ARGV, 1000 do
    redis.call('HDEL', held, unpack(ARGV, i, math.min(i + 999, #ARGV)))
end
if not refused or call <= tonumber(refused) then  -- taken for dead; or a call that was given up comes late
    local lost = redis.call('LRANGE', waiting, 0, -1)
    for i = #lost, 1, -1 do unshift(KEYS[last], lost[i]) end
    redis.call('DEL', waiting)
    return refused and -2 or -1
end
local limit, until_due = tonumber(ARGV[2]), -1
local first = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
if first[1] then
    local time = redis.call('TIME')
    local now = time[1] + time[2] / 1000000
    if tonumber(first[2]) <= now then
        local due = redis.call('ZRANGEBYSCORE', delayed, '-inf', string.format('%.6f', now), 'LIMIT', 0, 1000)
        for i = #due, 1, -1 do
            local list = math.max(5, last - tonumber(string.sub(due[i], 1, 3)))
            unshift(KEYS[list], string.sub(due[i], 28))
            redis.call('ZREM', delayed, due[i])
        end
        first = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
    end
    if first[1] then until_due = math.max(1, math.ceil((first[2] - now) * 1000)) end
end
local found, places, flat = {}, {}, {}
local function take(bodies, place)
    for i = 1, #bodies do
        flat[2 * i - 1] = (call * 1024 + #found) * 256 + place
        flat[2 * i] = bodies[i]
        found[#found + 1] = bodies[i]
        places[#found] = place
    end
    redis.call('HDEL', held, '-')  -- a first write, so that a server without memory lets the others pass
    redis.call('HSET', held, unpack(flat, 1, 2 * #bodies))
end
if ARGV[3] == '1' then
    local moved = redis.call('LRANGE', waiting, 0, -1)
    if #moved > 0 then
        take(moved, 0)
        redis.call('DEL', waiting)
    end
end
for i = 5, last do
    if #found >= limit then break end
    local bodies = peek(KEYS[i], limit - #found)
    if #bodies > 0 then
        take(bodies, last - i)
        drop(KEYS[i], #bodies)
    end
end
local counts = false
if #found > 0 and redis.call('EXISTS', attempts) == 1 then
    counts = {}
    for i = 1, #found do
        counts[i] = 1 + (redis.call('HGET', attempts, redis.sha1hex(found[i])) or 0)
    end
end
return {until_due, counts, found, last > 5 and places or false}
"""

# Back to the front, in order; what was given back once before goes behind, that it may not keep others from their turn.
# KEYS: held, returned, lists …   ARGV: numbers, the first of them first …
_REQUEUE = """
local last = #KEYS
for i = #ARGV, 1, -1 do
    local body = redis.call('HGET', KEYS[1], ARGV[i])
    if body then
        local list, digest = KEYS[math.max(3, last - ARGV[i] % 256)], redis.sha1hex(body)
        if redis.call('SREM', KEYS[2], digest) == 1 then
            push(list, body)
        else
            redis.call('SADD', KEYS[2], digest)
            unshift(list, body)
        end
        redis.call('HDEL', KEYS[1], ARGV[i])
    end
end
redis.call('EXPIRE', KEYS[2], 3600)
"""

ARRIVE = f"""
local function arrive(list, delayed, attempts, body, due, head, earlier)
    if due == '' then push(list, body) else redis.call('ZADD', delayed, due, head .. body) end
    if tonumber(earlier) > 0 then
        redis.call('HSET', attempts, redis.sha1hex(body), earlier)
        redis.call('EXPIRE', attempts, {_DAYS})
    end
end
"""

# KEYS: list, delayed, attempts   ARGV: message, due or "", head, earlier deliveries
_RECEIVE = ARRIVE + "arrive(KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2], ARGV[3], ARGV[4])"

# KEYS: held, attempts, target's list, target's delayed, target's attempts
# ARGV: number, message, due or "", head, earlier deliveries
_FORWARD = (
    ARRIVE
    + """
local body = redis.call('HGET', KEYS[1], ARGV[1])
if not body then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], redis.sha1hex(body))
arrive(KEYS[3], KEYS[4], KEYS[5], ARGV[2], ARGV[3], ARGV[4], ARGV[5])
return 1
"""
)

# KEYS: held, owners   ARGV: consumer, connection, number of the last call
ENTER = Script(
    _NOW
    + """
redis.call('HSET', KEYS[1], '', ARGV[3], 'c', ARGV[2])
redis.call('ZADD', KEYS[2], string.format('%.6f', now), ARGV[1])
"""
)

# A sign of life; consumer, connection, age of those that have given none for longer than a beat.
# KEYS: held, owners   ARGV: consumer, connection, seconds of a beat, start of the names of all held
BEAT = Script(
    _NOW
    + """
if redis.call('HEXISTS', KEYS[1], '') == 0 then return false end
redis.call('HSET', KEYS[1], 'c', ARGV[2])
redis.call('ZADD', KEYS[2], string.format('%.6f', now), ARGV[1])
local found = {}
local stale = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', string.format('%.6f', now - ARGV[3]), 'WITHSCORES')
for i = 1, #stale, 2 do
    found[#found + 1] = stale[i]
    found[#found + 1] = redis.call('HGET', ARGV[4] .. stale[i], 'c') or ''
    found[#found + 1] = string.format('%.3f', now - stale[i + 1])
end
return found
"""
)

# KEYS: held, waiting, owners, graves, attempts, lists …
# ARGV: consumer, seconds since its last sign of life ("" = it ends by itself), its connection when it was looked for
_BURY = (
    _NOW
    + f"""
local held, waiting, owners, graves, attempts = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local last, died = #KEYS, ARGV[2] ~= ''
local seen = redis.call('ZSCORE', owners, ARGV[1])
if not seen or (died and tonumber(seen) > now - ARGV[2]) then return -1 end
if died and (redis.call('HGET', held, 'c') or '0') ~= ARGV[3] then return -1 end  -- it has got another one since
local moved = redis.call('LRANGE', waiting, 0, -1)
for i = #moved, 1, -1 do unshift(KEYS[last], moved[i]) end
local flat, numbers, bodies = redis.call('HGETALL', held), {{}}, {{}}
for i = 1, #flat, 2 do
    local number = tonumber(flat[i])
    if number then
        numbers[#numbers + 1] = number
        bodies[number] = flat[i + 1]
    end
end
table.sort(numbers)
for i = #numbers, 1, -1 do
    local body = bodies[numbers[i]]
    unshift(KEYS[math.max(6, last - numbers[i] % 256)], body)
    if died then redis.call('HINCRBY', attempts, redis.sha1hex(body), 1) end
end
if died and #numbers > 0 then redis.call('EXPIRE', attempts, {_DAYS}) end
redis.call('DEL', held, waiting)
redis.call('ZREM', owners, ARGV[1])
if died then
    redis.call('ZADD', graves, now, ARGV[1])
    redis.call('EXPIRE', graves, 3600)
end
return #numbers
"""
)

# A wait of a consumer that was taken for dead may have been answered afterwards.
# KEYS: graves, list   ARGV: start of the names of all waiting
_EXHUME = (
    _NOW
    + """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - 3600)
local found = 0
for _, consumer in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    local moved = redis.call('LRANGE', ARGV[1] .. consumer, 0, -1)
    for i = #moved, 1, -1 do unshift(KEYS[2], moved[i]) end
    if #moved > 0 then redis.call('DEL', ARGV[1] .. consumer) end
    found = found + #moved
end
return found
"""
)

# After an error nobody knows what a call did: give back what it may have claimed, and refuse it should it come late.
# KEYS: held, waiting, lists …   ARGV: number of the call, lowest number that is given back
_RESOLVE = """
local held, waiting, last = KEYS[1], KEYS[2], #KEYS
local moved = redis.call('LRANGE', waiting, 0, -1)
for i = #moved, 1, -1 do unshift(KEYS[last], moved[i]) end
redis.call('DEL', waiting)
if redis.call('HEXISTS', held, '') == 0 then return -1 end
redis.call('HSET', held, '', ARGV[1])
local flat, numbers, bodies = redis.call('HGETALL', held), {}, {}
for i = 1, #flat, 2 do
    local number = tonumber(flat[i])
    if number and number >= tonumber(ARGV[2]) then
        numbers[#numbers + 1] = number
        bodies[number] = flat[i + 1]
    end
end
table.sort(numbers)
for i = #numbers, 1, -1 do
    unshift(KEYS[math.max(3, last - numbers[i] % 256)], bodies[numbers[i]])
    redis.call('HDEL', held, string.format('%.0f', numbers[i]))
end
return #numbers
"""


# -- from which end -------------------------------------------------------------------------------------------------------

FROM_THE_LEFT = """
local function peek(key, count) return redis.call('LRANGE', key, 0, count - 1) end
local function drop(key, count) redis.call('LTRIM', key, count, -1) end
local function push(key, body) redis.call('RPUSH', key, body) end
local function unshift(key, body) redis.call('LPUSH', key, body) end
"""
_FROM_THE_RIGHT = """
local function peek(key, count)
    local found, turned = redis.call('LRANGE', key, -count, -1), {}
    for i = 1, #found do turned[i] = found[#found + 1 - i] end
    return turned
end
local function drop(key, count) redis.call('LTRIM', key, 0, -1 - count) end
local function push(key, body) redis.call('LPUSH', key, body) end
local function unshift(key, body) redis.call('RPUSH', key, body) end
"""


class Scripts:
    """The scripts of queues that are taken from the `front` end of their lists."""

    def __init__(self, front: str, functions: str) -> None:
        self.front = front
        self.push: str = "RPUSH" if front == "LEFT" else "LPUSH"
        """The command that publishes."""
        self.claim = Script(functions + _CLAIM)
        self.requeue = Script(functions + _REQUEUE)
        self.forward = Script(functions + _FORWARD)
        self.receive = Script(functions + _RECEIVE)
        self.bury = Script(functions + _BURY)
        self.exhume = Script(functions + _EXHUME)
        self.resolve = Script(functions + _RESOLVE)


LEFT = Scripts("LEFT", FROM_THE_LEFT)
RIGHT = Scripts("RIGHT", _FROM_THE_RIGHT)
