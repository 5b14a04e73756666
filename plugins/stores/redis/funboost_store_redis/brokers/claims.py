"""Fetching for one consumer: one call claims messages and acknowledges others; a wait is followed by a claim at once."""

from __future__ import annotations

import os
import re
import socket
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from hashlib import sha1
from itertools import count
from math import inf
from typing import Any

from funboost_core.ports.broker import Delivery

from ..link import Link, ScriptUnknown
from ..server import Server
from .base import Command
from .names import QueueKeys
from .scripts import CALL, ENTER, PLACES, Scripts
from .waiter import Waiter


class Claimant(ABC):
    """One consumer, known to the server under `id` until it ends or is taken for dead.

    Calls are numbered, through all registrations of the consumer.  After an error nobody knows whether a call was made;
    the next one resolves that first.
    """

    scripts: Any
    """`bury` and `exhume` are used by `Watch`."""

    def __init__(self, server: Server, keys: QueueKeys, scripts: Any) -> None:
        host = re.sub(r"[^A-Za-z0-9.-]", "_", socket.gethostname())
        self.id = f"{host}-{os.getpid()}-{os.urandom(5).hex()}"
        self.server = server
        self.scripts = scripts
        self.waiter = Waiter(server)
        self.until_due = inf  # seconds from the last claim until something falls due
        self.held = keys.held + self.id
        self.waiting = keys.waiting + self.id
        self._keys = keys
        self._doubt: int | None = None  # a call of which nobody knows whether it was made
        self._calls = count(1)

    def enter(self, connection: int, link: Link) -> None:
        """Become known; `connection` is the one that proves that this consumer lives."""
        link.run(ENTER, [self.held, self._keys.owners], [self.id, connection, next(self._calls)])
        self._doubt = None

    def leave(self) -> None:
        """Give back what is held, and be known no more."""
        keys = self._keys
        names = [self.held, self.waiting, keys.owners, keys.graves, keys.attempts, *keys.lists]
        self.server.run(self.scripts.bury, names, [self.id, ""])

    @abstractmethod
    def take(self, done: Sequence[Delivery], limit: int) -> list[Delivery] | None:
        """Acknowledge `done` and claim up to `limit` messages; None when this consumer was taken for dead."""

    @abstractmethod
    def wait(self, done: Sequence[Delivery], limit: int, seconds: float) -> list[Delivery] | None:
        """Acknowledge `done`, and claim after having waited for a message; [] when none came."""

    @abstractmethod
    def forget(self, done: Sequence[Delivery]) -> None:
        """Acknowledge."""

    def _begin(self) -> int:
        """The number of the next call, which is in doubt from now on."""
        doubt, call = self._doubt, next(self._calls)
        if doubt is not None:
            self._resolve(call, doubt)
            call = next(self._calls)
        self._doubt = call
        return call

    @abstractmethod
    def _resolve(self, call: int, doubt: int) -> None:
        """Give back what the call `doubt` may have claimed, and refuse all calls up to `call`."""


class Claims(Claimant):
    """What one consumer of lists holds.

    A delivery's tag is its number, which no other ever gets: no late or repeated settlement can hit a message that was
    fetched again.
    """

    scripts: Scripts

    def __init__(self, server: Server, keys: QueueKeys, scripts: Scripts) -> None:
        super().__init__(server, keys, scripts)
        self._claim_keys = [self.held, self.waiting, keys.delayed, keys.attempts, *keys.lists]
        self._counted = False  # whether a message came that somebody has died of

    # -- claiming -----------------------------------------------------------------------------------------------------

    def take(self, done: Sequence[Delivery], limit: int) -> list[Delivery] | None:
        """See `Claimant.take`."""
        call = self._begin()
        arguments = [call, limit, 0, *(delivery.tag for delivery in done)]
        reply = self.server.run(self.scripts.claim, self._claim_keys, arguments)
        for command in self._uncount(done):
            self.server.ask(*command)
        self._doubt = None  # not before: should that fail, nobody would know of what was claimed
        return self._deliveries(reply, call)

    def wait(self, done: Sequence[Delivery], limit: int, seconds: float) -> list[Delivery] | None:
        """See `Claimant.wait`: the server moves one message, and the claim follows at once."""
        seconds = max(0.001, min(seconds, self.until_due))
        with self.server.link() as link, self.waiter.waiting(link) as allowed:
            if not allowed:
                self.forget(done)
                return []
            call = self._begin()
            reply = self._wait(link, call, self._forgetting(done), limit, seconds)
            self._doubt = None
        return self._deliveries(reply, call)

    def _wait(self, link: Link, call: int, first: list[Command], limit: int, seconds: float) -> Any:
        keys, time = self._keys, f"{seconds:.3f}"
        move: Command = ("BLMOVE", keys.queue, self.waiting, self.scripts.front, "RIGHT", time)
        if len(keys.lists) > 1:
            move = ("BLPOP", keys.bell, time)
        claim = self.scripts.claim.command(self._claim_keys, (call, limit, 1))
        try:
            return link.ask_all([*first, move, claim], patience=seconds)[-1]
        except ScriptUnknown:
            return link.run(self.scripts.claim, self._claim_keys, (call, limit, 1))

    def _resolve(self, call: int, doubt: int) -> None:
        names = [self.held, self.waiting, *self._keys.lists]
        self.server.run(self.scripts.resolve, names, [call, doubt * CALL])

    def _deliveries(self, reply: Any, call: int) -> list[Delivery] | None:
        if isinstance(reply, int):
            return None
        due, counts, bodies, places = reply
        self.until_due = due / 1000 if due >= 0 else inf
        if not bodies:
            return []
        numbers: Iterable[int] = range(call * CALL, call * CALL + len(bodies) * PLACES, PLACES)
        if places is not None:
            numbers = map(int.__add__, numbers, places)
        if counts is None:
            return [Delivery(body, number) for body, number in zip(bodies, numbers)]
        self._counted = True
        return list(map(Delivery, bodies, numbers, counts))

    # -- settling -----------------------------------------------------------------------------------------------------

    def forget(self, done: Sequence[Delivery]) -> None:
        """See `Claimant.forget`."""
        if done:
            self.server.ask_all(self._forgetting(done))

    def _forgetting(self, done: Sequence[Delivery]) -> list[Command]:
        return [("HDEL", self.held, *(delivery.tag for delivery in done)), *self._uncount(done)] if done else []

    def _uncount(self, done: Sequence[Delivery]) -> list[Command]:
        """Commands that forget how many consumers have died of messages that are settled."""
        digests = [digest(delivery) for delivery in done if delivery.attempts > 1] if self._counted else []
        return [("HDEL", self._keys.attempts, *digests)] if digests else []


def digest(delivery: Delivery) -> str:
    """Under which `attempts` has a message."""
    body = delivery.body
    assert isinstance(body, bytes)
    return sha1(body, usedforsecurity=False).hexdigest()
