"""The broker: a channel."""

from __future__ import annotations

import os
from collections.abc import Sequence
from time import monotonic

from funboost_store_redis.brokers.base import RedisBroker
from funboost_store_redis.brokers.names import QueueKeys
from funboost_store_redis.errors import RedisUnavailable
from funboost_store_redis.link import Link

from funboost_core.errors import FunboostError
from funboost_core.ports.broker import BrokerContext, Delivery, Outgoing

PING = 10.0
"""Seconds of silence after which the connection is tried: a subscriber is not told that its server has gone."""


class RedisPubsubBroker(RedisBroker):
    """A channel with the queue's name, and one of this consumer's own that ends its wait."""

    def __init__(self, context: BrokerContext) -> None:
        super().__init__(context)
        self._bell = f"{self._keys.start}wake:{os.urandom(8).hex()}"
        self._subscribed: Link | None = None
        self._heard = 0.0
        self._tried = False  # since then

    def _publish(self, messages: Sequence[Outgoing], keys: QueueKeys) -> None:
        if messages:
            self._tell([("PUBLISH", keys.queue, message.body) for message in messages], len(messages))

    def listen(self) -> None:
        """Subscribe."""
        with self._making:
            self.refuse_late()
            server = self._server
            link = server.open()
            try:
                link.ask_all([("SUBSCRIBE", self._keys.queue), ("SUBSCRIBE", self._bell)])
            except BaseException:
                server.forget(link)
                raise
            self._subscribed, self._heard, self._tried = link, monotonic(), False

    def fetch(self, limit: int, timeout: float) -> Sequence[Delivery]:
        """Up to `limit` messages that have come, waiting at most `timeout` seconds for the first."""
        while (link := self._subscribed) is None or link.broken:
            self.listen()  # which raises once this is closed
        deadline = monotonic() + timeout
        found: list[Delivery] = []
        while len(found) < limit:
            left = 0.0 if found else max(0.0, deadline - monotonic())
            try:
                message = link.hear(left)
            except RedisUnavailable:
                if found:  # what has come is not lost; the next fetch finds the connection broken
                    break
                raise
            if message is None:
                self._try(link)
                if found or monotonic() >= deadline:
                    break
                continue
            self._heard, self._tried = monotonic(), False
            if message[0] == b"message" and message[1].decode() == self._bell:
                break
            if message[0] == b"message":
                found.append(Delivery(message[2]))
        return found

    def _try(self, link: Link) -> None:
        silence = monotonic() - self._heard
        if silence > PING and not self._tried:
            self._tried = True
            link.tell_all([("PING",)])
        elif silence > 2 * PING:
            link.drop()
            address = self._server.address
            raise RedisUnavailable(server=address.shown, error="it answers nothing", setting=address.setting)

    def wake(self) -> None:
        """End a fetch that waits, or the next one that would."""
        if self._subscribed is not None:
            try:
                self._server.ask("PUBLISH", self._bell, "")
            except FunboostError:  # it ends with its time
                pass

    def close(self) -> None:
        """Unsubscribe."""
        with self._making:
            self._closed = True  # from now on nobody subscribes
            link, self._subscribed = self._subscribed, None
        if link is not None and self._attached is not None:
            self._attached.forget(link)
        super().close()
