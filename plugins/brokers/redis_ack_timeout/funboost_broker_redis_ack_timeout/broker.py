"""The broker: a list, and when what was taken from it comes back."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import count
from math import inf
from time import monotonic
from typing import Any

from funboost_store_redis.brokers.base import StoredBroker, arrival
from funboost_store_redis.brokers.claims import digest
from funboost_store_redis.brokers.waiter import Waiter
from funboost_store_redis.errors import RedisUnavailable

from funboost_core.ports.broker import BrokerContext, Delivery, Outgoing

from .options import Options
from .scripts import CLAIM, FORWARD, REQUEUE

SOON = 1.0
"""Most seconds of one wait at the server."""


class RedisAckTimeoutBroker(StoredBroker):
    """A queue in a Redis list.  A delivery's tag is its name; `scripts` explains the keys."""

    def __init__(self, context: BrokerContext) -> None:
        super().__init__(context)
        options, keys = context.options, self._keys
        assert isinstance(options, Options)
        self._seconds = options.ack_timeout
        self._unacked, self._held = f"{keys.start}unacked", f"{keys.start}held"
        self._claim_keys = [keys.queue, self._unacked, self._held, keys.delayed, keys.attempts]
        self._waiter: Waiter | None = None
        self._known: dict[str, None] = {}  # deliveries that are given back at the end, in their order
        self._doubt = ""  # a call of which nobody knows whether it was made
        self._until_due = inf
        self._plenty = True  # whether the last fetch got something, and so the next is likely to

    def listen(self) -> None:
        """Choose a name for the calls, which no other process has."""
        self._waiter = Waiter(self._server)
        self._prefix, self._calls = os.urandom(6).hex(), count()

    def close(self) -> None:
        """Give back what is not acknowledged and let go of the connections."""
        known, self._known = self._known, {}
        try:
            if known and self._attached is not None and not self._attached.closed:
                self._back(list(known))
        except RedisUnavailable as error:
            self.context.logger.warning("queue %s: %s What is held comes back in time.", self._keys.queue, error)
        finally:
            super().close()

    # -- fetching -----------------------------------------------------------------------------------------------------

    def turn(self, done: Sequence[Delivery], limit: int) -> Sequence[Delivery]:
        """Acknowledge `done` and claim what is there, in one call."""
        self.refuse_late()  # nobody would give back what it claims
        names = [delivery.tag for delivery in done]
        call, arguments = self._begin(limit, names)
        reply = self._server.run(CLAIM, self._claim_keys, arguments)
        self._settled(done)  # first: should it fail, the call is in doubt, and what was claimed goes back
        found = self._deliveries(reply, call)
        self._plenty = bool(found)
        return found

    def fetch(self, limit: int, timeout: float) -> Sequence[Delivery]:
        """Claim up to `limit` messages, waiting at most `timeout` seconds for the first."""
        deadline, waiter = monotonic() + timeout, self._waiter
        found: Sequence[Delivery] = self.turn((), limit) if self._plenty or timeout <= 0 else ()
        while not found:
            left = deadline - monotonic()
            if waiter is None or left <= 0 or waiter.roused():
                return ()
            found = self._wait(waiter, limit, max(0.001, min(left, SOON, self._until_due)))
        return found

    def _wait(self, waiter: Waiter, limit: int, seconds: float) -> list[Delivery]:
        """Move the first message to where it is, which waits until there is one; then claim."""
        with self._server.link() as link, waiter.waiting(link) as allowed:
            if not allowed:
                return []
            queue = self._keys.queue
            link.ask_all([("BLMOVE", queue, queue, "LEFT", "LEFT", f"{seconds:.3f}")], patience=seconds)
            call, arguments = self._begin(limit, [])
            return self._deliveries(link.run(CLAIM, self._claim_keys, arguments), call)

    def _begin(self, limit: int, done: list[str]) -> tuple[str, list[Any]]:
        doubt, call = self._doubt, f"{self._prefix}.{next(self._calls):x}."
        self._doubt = doubt or call
        return call, [call, min(limit, self._most), repr(self._seconds), doubt, *done]

    def _deliveries(self, reply: Any, call: str) -> list[Delivery]:
        self._doubt = ""
        due, counts, bodies, late = reply
        self._until_due = due / 1000 if due >= 0 else inf
        if late:
            self.context.logger.warning(
                "queue %s: %d messages were not acknowledged within %s s and are back",
                self._keys.queue,
                late,
                self._seconds,
            )
        names = [f"{call}{place}" for place in range(len(bodies))]
        self._known.update(dict.fromkeys(names))
        return list(map(Delivery, bodies, names, counts or [1] * len(bodies)))

    def wake(self) -> None:
        """End a fetch that waits, or the next one that would."""
        if self._waiter is not None:
            self._waiter.wake()

    def maintain(self) -> None:
        """Let come back what is late, also while nobody fetches."""
        if self._waiter is not None and not self._closed:
            self._server.run(CLAIM, self._claim_keys, ["-", 0, repr(self._seconds), ""])

    # -- settling -----------------------------------------------------------------------------------------------------

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Forget these messages for good."""
        if deliveries and not self._closed:
            names = [delivery.tag for delivery in deliveries]
            self._server.ask_all([("HDEL", self._held, *names), ("ZREM", self._unacked, *names)])
            self._settled(deliveries)

    def _settled(self, deliveries: Sequence[Delivery]) -> None:
        self._forget(deliveries)
        digests = [digest(delivery) for delivery in deliveries if delivery.attempts > 1]
        if digests:
            self._server.ask("HDEL", self._keys.attempts, *digests)

    def requeue(self, deliveries: Sequence[Delivery]) -> None:
        """Give messages back: to the front; those that were given back once already, behind the others."""
        if deliveries and not self._closed:
            self._back([delivery.tag for delivery in deliveries])
            self._forget(deliveries)

    def _forget(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            self._known.pop(delivery.tag, None)

    def _back(self, names: list[str]) -> None:
        keys = self._keys
        self._server.run(REQUEUE, [keys.queue, self._unacked, self._held, keys.returned], names)

    def forward(self, delivery: Delivery, message: Outgoing, queue: str) -> None:
        """Publish `message` to `queue` and acknowledge `delivery` in one step; nothing if it was given away."""
        target, due = self.keys_of(queue), message.due
        if self.hand_over(delivery, message, queue):
            return
        names = [self._unacked, self._held, self._keys.attempts, target.queue, target.delayed, target.attempts]
        self._server.run(FORWARD, names, [delivery.tag, *arrival(message)])
        self._forget([delivery])
        if due is not None and due - self.context.clock.time() < SOON:
            self.wake()

    def holds(self, delivery: Delivery) -> bool:
        """See `StoredBroker.holds`."""
        return bool(self._server.ask("HEXISTS", self._held, delivery.tag))
