"""The broker: one stream and one of its groups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from funboost_store_redis.brokers.base import Command, bytes_of, head
from funboost_store_redis.brokers.lists import SOON, OwnedBroker
from funboost_store_redis.brokers.names import QueueKeys

from funboost_core.ports.broker import BrokerContext, Delivery, Outgoing

from .claims import StreamClaims
from .options import Options
from .scripts import StreamScripts


class RedisStreamBroker(OwnedBroker[StreamClaims]):
    """A queue in a stream.  `scripts` explains the keys."""

    def __init__(self, context: BrokerContext) -> None:
        super().__init__(context)
        options = context.options
        assert isinstance(options, Options)
        self._scripts = StreamScripts(options.group)

    def make_claims(self) -> StreamClaims:
        """A new consumer."""
        return StreamClaims(self._server, self._keys, self._scripts)

    def _commands(self, messages: Iterable[Outgoing], keys: QueueKeys) -> list[Command]:
        commands: list[Command] = []
        for message in messages:
            if message.due is None:
                commands.append(("XADD", keys.queue, "*", "", message.body))
            else:
                start = head(max(0, message.attempts))
                commands.append(("ZADD", keys.delayed, f"{message.due:.6f}", start + bytes_of(message)))
        return commands

    def _publish(self, messages: Sequence[Outgoing], keys: QueueKeys) -> None:
        if messages:
            self._tell(self._commands(messages, keys), len(messages))

    def requeue(self, deliveries: Sequence[Delivery]) -> None:
        """Give messages back: to the front; those that were given back once already, behind the others."""
        claims = self._claims
        if deliveries and claims is not None:
            claims.give_back(self._scripts.requeue, [claims.held, self._keys.queue, self._keys.returned], deliveries)

    def forward(self, delivery: Delivery, message: Outgoing, queue: str) -> None:
        """Publish `message` to `queue` and acknowledge `delivery` in one step; nothing if it was given away."""
        claims, target, due = self._claims, self.keys_of(queue), message.due
        if claims is None or self.hand_over(delivery, message, queue):
            return
        names = [claims.held, self._keys.queue, target.queue, target.delayed, target.attempts]
        claims.settle(self._scripts.forward, names, [delivery], *_arrival(message))
        if due is not None and due - self.context.clock.time() < SOON:
            claims.waiter.wake()

    def holds(self, delivery: Delivery) -> bool:
        """See `StoredBroker.holds`."""
        claims = self._claims
        return claims is not None and claims.holds(delivery)

    def receive(self, message: Outgoing) -> None:
        """See `StoredBroker.receive`."""
        keys = self._keys
        self._server.run(self._scripts.receive, [keys.queue, keys.delayed, keys.attempts], _arrival(message))

    def count(self) -> int:
        """Messages that wait, also those not yet due."""
        return int(self._server.run(self._scripts.count, [self._keys.queue, self._keys.delayed]))

    def purge(self) -> None:
        """Remove the messages that wait."""
        self._server.run(self._scripts.purge, [self._keys.queue, self._keys.delayed, self._keys.returned])


def _arrival(message: Outgoing) -> tuple[Any, ...]:
    """What the scripts that publish one message get: in `delayed`, the number of its deliveries is in front of it."""
    attempts = max(0, message.attempts)
    due = "" if message.due is None else f"{message.due:.6f}"
    return bytes_of(message), due, head(attempts), attempts
