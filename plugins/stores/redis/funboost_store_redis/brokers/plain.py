"""A list without acknowledgement: what is fetched is gone from the server."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic

from funboost_core.ports.broker import BrokerContext, Delivery, Outgoing

from ..link import Script
from .base import StoredBroker
from .waiter import Waiter

SOON = 1.0
"""Most seconds of one wait at the server."""

# KEYS: list, delayed   ARGV: limit
_TAKE = Script("""
local until_due = -1
local first = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
if first[1] then
    local time = redis.call('TIME')
    local now = time[1] + time[2] / 1000000
    local due = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', string.format('%.6f', now), 'LIMIT', 0, 1000)
    for i = #due, 1, -1 do
        redis.call('LPUSH', KEYS[1], string.sub(due[i], 28))
        redis.call('ZREM', KEYS[2], due[i])
    end
    first = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
    if first[1] then until_due = math.max(1, math.ceil((first[2] - now) * 1000)) end
end
local found = redis.call('LRANGE', KEYS[1], 0, ARGV[1] - 1)
redis.call('LTRIM', KEYS[1], #found, -1)
return {until_due, found}
""")


class PlainListBroker(StoredBroker):
    """Each message is delivered once at most: an error, or the end of the process, loses what was on its way."""

    def __init__(self, context: BrokerContext) -> None:
        super().__init__(context)
        self._waiter: Waiter | None = None
        self._until_due = SOON
        self._plenty = True  # whether the last fetch got something, and so the next is likely to

    def listen(self) -> None:
        """Nobody need know of a consumer; only its wait can be ended from now on."""
        self._waiter = Waiter(self._server)

    def fetch(self, limit: int, timeout: float) -> Sequence[Delivery]:
        """Take up to `limit` messages, waiting at most `timeout` seconds for the first."""
        self.refuse_late()  # what it took would be lost
        deadline, waiter = monotonic() + timeout, self._waiter
        found = self._take(limit) if self._plenty or timeout <= 0 else []
        while not found:
            left = deadline - monotonic()
            if waiter is None or left <= 0 or waiter.roused():
                return ()
            found = self._wait(waiter, min(left, self._until_due)) or self._take(limit)
        return found

    def _take(self, limit: int) -> list[Delivery]:
        keys = self._keys
        due, bodies = self._server.run(_TAKE, [keys.queue, keys.delayed], [min(limit, self._most)])
        self._until_due = min(SOON, due / 1000) if due >= 0 else SOON
        self._plenty = bool(bodies)
        return [Delivery(body, []) for body in bodies]

    def _wait(self, waiter: Waiter, seconds: float) -> list[Delivery]:
        with self._server.link() as link, waiter.waiting(link) as allowed:
            if not allowed:
                return []
            (got,) = link.ask_all([("BLPOP", self._keys.queue, f"{max(0.001, seconds):.3f}")], patience=seconds)
        self._plenty = bool(got)
        return [Delivery(got[1], [])] if got else []

    def wake(self) -> None:
        """End a fetch that waits, or the next one that would."""
        if self._waiter is not None:
            self._waiter.wake()

    def forward(self, delivery: Delivery, message: Outgoing, queue: str) -> None:
        """Publish `message` to `queue`; nothing when this was done with the delivery before."""
        if not delivery.tag:
            if not self.hand_over(delivery, message, queue):
                self._publish([message], self.keys_of(queue))
            delivery.tag.append("moved")
            if message.due is not None:
                self.wake()
