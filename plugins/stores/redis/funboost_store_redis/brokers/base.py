"""What every Redis broker does: find its server, publish, count."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any, ClassVar

from funboost_core.errors import BrokerError
from funboost_core.native import RLock
from funboost_core.ports.broker import BrokerContext, Delivery, Outgoing, PullBroker

from ..address import is_cluster, url_of
from ..errors import RedisUnavailable
from ..server import Server, attach, detach
from .at_once import AtOnce
from .names import QueueKeys
from .nodes import Others, check
from .scripts import LEFT, Scripts

CHUNK = 1000
"""Messages in one command."""
Command = tuple[Any, ...]


class RedisBroker(PullBroker):
    """A queue in the Redis server that the option `connection` or the setting REDIS_URL names."""

    scripts: ClassVar[Scripts] = LEFT
    """From which end of the list messages are taken."""

    def __init__(self, context: BrokerContext) -> None:
        super().__init__(context)
        self._keys = self.keys_of(context.queue)
        self._most: int = getattr(context.options, "pull_msg_batch_size", CHUNK)
        self._attached: Server | None = None
        self._closed = False
        self._confirmed: bool = context.options.confirmed
        self._at_once: AtOnce | None = None
        self._making = RLock()  # what is made is not made by two, nor after `close`
        self._address = url_of(context.settings, context.options.connection)
        self._clustered = is_cluster(self._address[0])
        if self._clustered:
            check(context.kind, self._keys, self._confirmed)

    def keys_of(self, queue: str) -> QueueKeys:
        """The keys of a queue of this kind."""
        return QueueKeys(queue)

    def open(self) -> None:
        """Connect; a server that is away just now may come, and whoever needs it says so.

        Raises:
            ConfigError: the server refuses the password, has no such database, or the URL is wrong.
        """
        try:
            self._server.ask("PING")
        except RedisUnavailable:
            pass

    def close(self) -> None:
        """Let go of the connections."""
        with self._making:
            self._closed = True
        try:
            if self._at_once is not None:
                self._at_once.close()
        except RedisUnavailable as error:
            self.context.logger.warning(
                "queue %s: %s What was sent last may not have arrived.", self._keys.queue, error
            )
        finally:
            if self._attached is not None:  # and it stays: a push that comes late uses it without a lasting connection
                detach(self._attached, self)

    @property
    def _server(self) -> Server:
        server = self._attached
        if server is None or server.closed:
            with self._making:
                if server is None or not self._closed:  # it was closed in a forked child, where it is the parent's
                    self.refuse_late()
                    server = self._attached = attach(*self._address, self, self._keys.queue)
        return server

    def refuse_late(self) -> None:
        """Raise for a call that comes after `close`: what it would open nobody would close."""
        if self._closed:
            raise BrokerError(error=f"{self._keys.queue} is closed")

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """Publish a batch; the server has confirmed it when this returns."""
        self._publish(messages, self._keys)

    def _publish(self, messages: Sequence[Outgoing], keys: QueueKeys) -> None:
        if len(keys.lists) > 1:
            self._tell([*self._commands(messages, keys), *ring(keys)], len(messages))
        elif len(messages) == 1 and messages[0].due is None and self._confirmed:
            self._server.ask(self.scripts.push, keys.queue, messages[0].body)
        elif any(message.due is not None for message in messages):
            self._tell(self._commands(messages, keys), len(messages))
        elif messages:
            bodies, push = [message.body for message in messages], self.scripts.push
            chunks = range(0, len(bodies), CHUNK)
            self._tell([(push, keys.queue, *bodies[start : start + CHUNK]) for start in chunks], len(bodies))

    def _tell(self, commands: list[Command], messages: int) -> None:
        """Send commands that publish so many messages, and wait for the server unless it is not to be waited for."""
        if self._confirmed:
            self._server.ask_all(commands)
            return
        server, at_once = self._server, self._at_once
        if at_once is None or at_once.server is not server:
            with self._making:
                at_once = self._at_once
                if at_once is None or at_once.server is not server:
                    at_once = self._at_once = AtOnce(server)
        at_once.send(commands, messages)
        if self._closed:  # meanwhile
            at_once.close()

    def _commands(self, messages: Iterable[Outgoing], keys: QueueKeys) -> list[Command]:
        commands: list[list[Any]] = []
        last: list[Any] = []
        for message in messages:
            if message.due is None:
                start: list[Any] = [self.scripts.push, keys.of_priority(message.priority)]
                extra: list[Any] = [message.body]
            else:
                start = ["ZADD", keys.delayed]
                extra = [f"{message.due:.6f}", head(message.priority) + bytes_of(message)]
            if last[:2] != start or len(last) > CHUNK:
                last = start
                commands.append(last)
            last += extra
        return [tuple(command) for command in commands]


class StoredBroker(RedisBroker):
    """A broker whose messages wait in lists."""

    def __init__(self, context: BrokerContext) -> None:
        super().__init__(context)
        self._others: Others | None = Others(self) if self._clustered else None

    def close(self) -> None:
        """See `RedisBroker.close`."""
        if self._others is not None:
            self._others.close()
        super().close()

    def elsewhere(self, queue: str) -> StoredBroker | None:
        """The broker of a queue that another node of a cluster has: no step reaches both."""
        return None if self._others is None else self._others.of(queue)

    def hand_over(self, delivery: Delivery, message: Outgoing, queue: str) -> bool:
        """Whether another node has `queue`, which then was given `message` before `delivery` was acknowledged here."""
        other = self.elsewhere(queue)
        if other is not None and self.holds(delivery):
            other.receive(message)
            self.ack([delivery])
        return other is not None

    def holds(self, delivery: Delivery) -> bool:
        """Whether nobody has given `delivery` away."""
        return True

    def receive(self, message: Outgoing) -> None:
        """Publish what was in another queue, with the number of its earlier deliveries."""
        keys = self._keys
        names = [keys.of_priority(message.priority), keys.delayed, keys.attempts]
        self._server.run(self.scripts.receive, names, arrival(message))
        if len(keys.lists) > 1:
            self._server.ask_all(ring(keys))

    def count(self) -> int:
        """Messages that wait, also those not yet due."""
        keys = self._keys
        return sum(self._server.ask_all([*(("LLEN", name) for name in keys.lists), ("ZCARD", keys.delayed)]))

    def purge(self) -> None:
        """Remove the messages that wait."""
        keys = self._keys
        self._server.ask("DEL", *keys.lists, keys.delayed, keys.returned)


def ring(keys: QueueKeys) -> list[Command]:
    """Commands that end the wait of a few consumers of several lists."""
    return [("RPUSH", keys.bell, ""), ("LTRIM", keys.bell, 0, 15), ("EXPIRE", keys.bell, 60)]


def arrival(message: Outgoing) -> tuple[Any, ...]:
    """What the scripts that publish one message get."""
    due = "" if message.due is None else f"{message.due:.6f}"
    return bytes_of(message), due, head(message.priority), max(0, message.attempts)


def bytes_of(message: Outgoing) -> bytes:
    """The text that travels."""
    body = message.body
    assert isinstance(body, bytes)
    return body


class _Heads:
    """What makes equal messages in a sorted set different ones: random for each process, then a counter."""

    def __init__(self) -> None:
        self.seed()

    def seed(self) -> None:
        self.prefix = os.urandom(6).hex()
        self.count = count()


_heads = _Heads()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_heads.seed)


def head(priority: int) -> bytes:
    """What stands in front of a message in `delayed`: 3 digits and 24 characters."""
    return f"{max(0, min(255, priority)):03d}{_heads.prefix}{next(_heads.count):012x}".encode()
