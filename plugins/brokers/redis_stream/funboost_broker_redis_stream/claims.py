"""Fetching for one consumer of a group."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any

from funboost_store_redis.brokers.claims import Claimant
from funboost_store_redis.brokers.names import QueueKeys
from funboost_store_redis.link import Link, Script, ScriptUnknown
from funboost_store_redis.server import Server

from funboost_core.ports.broker import Delivery

from .scripts import StreamScripts


class StreamClaims(Claimant):
    """What one consumer holds: the entries that are pending for it.  A delivery's tag is its entry."""

    scripts: StreamScripts

    def __init__(self, server: Server, keys: QueueKeys, scripts: StreamScripts) -> None:
        super().__init__(server, keys, scripts)
        self._claim_keys = [self.held, keys.queue, keys.delayed, keys.attempts]
        self._known: set[bytes] = set()  # after an error, whatever else is pending for us goes back

    def enter(self, connection: int, link: Link) -> None:
        """See `Claimant.enter`; makes the group."""
        link.run(self.scripts.ensure, [self._keys.queue])
        super().enter(connection, link)
        link.ask("ZREM", self._keys.graves, self.id)  # what it fetches from now on is not to be dug up

    def take(self, done: Sequence[Delivery], limit: int) -> list[Delivery] | None:
        """See `Claimant.take`."""
        call, tags = self._begin(), self.ours(done)
        reply = self.server.run(self.scripts.claim, self._claim_keys, [self.id, call, limit, *tags])
        self._doubt = None
        self._known.difference_update(tags)
        return self._deliveries(reply)

    def wait(self, done: Sequence[Delivery], limit: int, seconds: float) -> list[Delivery] | None:
        """See `Claimant.wait`."""
        self.forget(done)
        seconds = max(0.001, min(seconds, self.until_due))
        with self.server.link() as link, self.waiter.waiting(link) as allowed:
            if not allowed:
                return []
            call = self._begin()
            try:
                first, reply, counted = self._wait(link, call, limit, seconds)
            except ScriptUnknown:  # the call stays in doubt, and what was read goes back
                link.ask("SCRIPT", "LOAD", self.scripts.claim.text)
                return []
            entries = first[0][1] if first else []
            counts = [
                1 + int(link.ask("HGET", self._keys.attempts, entry[0]) or 0) if counted else 1 for entry in entries
            ]
            self._doubt = None  # not before: should that fail, nobody would know of what was claimed
        rest = self._deliveries(reply)
        return rest if rest is None else [*self._made(entries, counts), *rest]

    def _wait(self, link: Link, call: int, limit: int, seconds: float) -> Sequence[Any]:
        keys, arguments = self._claim_keys, (self.id, call, limit - 1)
        reading = ("GROUP", self.scripts.group, self.id, "COUNT", 1, "BLOCK", max(1, int(seconds * 1000)))
        read = ("XREADGROUP", *reading, "STREAMS", keys[1], ">")
        claim = self.scripts.claim.command(keys, arguments)
        return link.ask_all([read, claim, ("EXISTS", self._keys.attempts)], patience=seconds)

    def _deliveries(self, reply: Any) -> list[Delivery] | None:
        if isinstance(reply, int):
            self._known.clear()
            return None
        due, entries, counts = reply
        self.until_due = due / 1000 if due >= 0 else inf
        return self._made(entries, counts)

    def _made(self, entries: Sequence[Any], counts: Sequence[int]) -> list[Delivery]:
        self._known.update(entry[0] for entry in entries)
        return [Delivery(entry[1][1], entry[0], count) for entry, count in zip(entries, counts)]

    def _resolve(self, call: int, doubt: int) -> None:
        self.server.run(self.scripts.resolve, self._claim_keys[:2], [self.id, call, *self._known])

    def forget(self, done: Sequence[Delivery]) -> None:
        """See `Claimant.forget`."""
        self.settle(self.scripts.ack, self._claim_keys, done)

    def ours(self, deliveries: Sequence[Delivery]) -> list[bytes]:
        """The entries of those that are still ours, as far as we know."""
        known = self._known
        return [delivery.tag for delivery in deliveries if delivery.tag in known]

    def holds(self, delivery: Delivery) -> bool:
        """Whether it is still pending for us."""
        tag, stream = delivery.tag, self._claim_keys[1]
        return tag in self._known and bool(
            self.server.ask("XPENDING", stream, self.scripts.group, tag, tag, 1, self.id)
        )

    def settle(self, script: Script, keys: Sequence[str], deliveries: Sequence[Delivery], *more: Any) -> None:
        """Run a script that ends the entries that are ours, and gets this consumer, them, and `more`."""
        tags = self.ours(deliveries)
        # Not before: while they are unknown, a call in doubt gives them back. Not if nothing was done: we were taken for
        # dead, and may have fetched them again.
        if tags and self.server.run(script, keys, [self.id, *tags, *more]):
            self._known.difference_update(tags)

    def give_back(self, script: Script, keys: Sequence[str], deliveries: Sequence[Delivery]) -> None:
        """Run a script after which the entries that are ours may be fetched again."""
        tags = self.ours(deliveries)
        if tags:
            self._known.difference_update(tags)  # before: another thread may fetch them at once
            try:
                self.server.run(script, keys, [self.id, *tags])
            except BaseException:
                self._known.update(tags)
                raise
