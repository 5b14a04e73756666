"""Receiving: a member of the queue group that takes no more than it has room for."""

from __future__ import annotations

import asyncio
import collections
import contextlib
from typing import TYPE_CHECKING, Callable

from nats.errors import BadSubscriptionError, ConnectionClosedError

from .connection import CONNECT_SECONDS, end

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.aio.subscription import Subscription

    from funboost_core.native import Event

    from .connection import Connection
    from .options import NatsOptions


class Receiver:
    """What has arrived and was not put into the sink.

    NATS has no flow control, but a subscription can be one for so many messages: the server counts them, and ends it.
    While there is room a new one takes its place.  Without room the consumer is not in the group, and others get the
    messages.

    The client's own `unsubscribe` and `drain` are not used as long as anything may come: they drop what comes beyond the
    limit (the server may have sent more before it has heard of it), and what comes before the server has heard of the end.
    """

    def __init__(self, connection: Connection, subject: str, options: NatsOptions, arrived: Event) -> None:
        self.waiting: collections.deque[bytes] = collections.deque()
        self._connection, self._subject, self._group, self._arrived = connection, subject, options.queue_group, arrived
        self._most = options.receive_ahead
        self._step = max(1, self._most // 10)
        self._client: Client | None = None
        self._subscription: Subscription | None = None
        self._left = 0  # messages that this subscription may still bring
        self._present: object = None  # stands for it
        self._renewing = False

    async def join(self) -> None:
        """Become a member, with a new connection where that is necessary."""
        client = await self._connection.client()
        self._client, self._subscription, self._left = client, None, 0
        await self._renew(client)

    async def leave(self) -> None:
        """Be none; returns when all is here that the server has sent."""
        client, subscription, self._client = self._client, self._subscription, None
        async with self._connection.turn:
            if client is not None and subscription is not None and client.is_connected:
                await client._send_unsubscribe(subscription._id)
                await self._connection.confirm(client, CONNECT_SECONDS)
                await _forget(subscription)

    def took(self) -> None:
        """There is less waiting: let the server send more once it is worth while.  On any thread."""
        client, loop = self._client, self._connection.loop
        if client is not None and client.is_connected and not self._renewing and self._room() >= self._step:
            self._renewing = True
            loop.call_soon_threadsafe(lambda: loop.create_task(self._again(client)))

    def _room(self) -> int:
        return self._most - len(self.waiting) - self._left

    async def _again(self, client: Client) -> None:
        try:
            await self._renew(client)
        except Exception:
            await end(client)  # `run` notices, begins again, and tells
        finally:
            self._renewing = False
        self.took()  # what was taken meanwhile

    async def _renew(self, client: Client) -> None:
        async with self._connection.turn:
            if self._room() < self._step or client is not self._client:
                return
            room, old, mine = self._most - len(self.waiting), self._subscription, object()
            self._left, self._present = room, mine

            def received(message: Msg) -> None:
                if self._present is mine:
                    self._left -= 1
                self.waiting.append(message.data)
                self._arrived.set()

            new = await client.subscribe(self._subject, queue=self._group, pending_bytes_limit=0)
            early, new._pending_queue = new._pending_queue, _Straight(received)
            while not early.empty():  # the client may have had to wait before it sent that
                received(early.get_nowait())
            self._subscription = new
            await client._send_unsubscribe(new._id, room)
            if old is not None:
                await client._send_unsubscribe(old._id)
            await self._connection.confirm(client, CONNECT_SECONDS)
            if old is not None:
                await _forget(old)


class _Straight(asyncio.Queue["Msg"]):
    """What a subscription brings, handed on while the client reads it.

    While one takes the place of another the server sends to both, in turns: with a queue each, and a task that empties
    it, messages would change places.
    """

    def __init__(self, received: Callable[[Msg], None]) -> None:
        super().__init__()
        self._received = received

    def put_nowait(self, item: Msg) -> None:
        self._received(item)


async def _forget(subscription: Subscription) -> None:
    """Let the client forget a subscription that the server has ended."""
    with contextlib.suppress(BadSubscriptionError, ConnectionClosedError):  # it has done so already
        await subscription.unsubscribe()
