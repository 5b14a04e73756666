"""One connection to the server: the client lives on an event loop, and the loop on a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Sequence
from typing import Any, Callable, TypeVar

from funboost_core import ConfigError, FunboostError
from funboost_core.native import Event, Thread

from .address import Address
from .errors import explained

try:
    from nats.aio.client import Client
    from nats.aio.subscription import Subscription
except ImportError as error:
    raise ConfigError(
        f"The broker NATS needs the client library nats-py, which cannot be imported ({error}). "
        "Install it with: pip install nats-py"
    ) from error

T = TypeVar("T")

CONNECT_SECONDS = 5.0
_CLOSE_SECONDS = 0.5
_PING_SECONDS = 10
"""A server that has not answered two pings is taken for gone."""


class Connection:
    """Connects when somebody needs it, and again after a cut; what is lost with a connection nobody repeats by itself.

    The client's own reconnecting is switched off: it would hide a cut from who consumes, and send what a publisher has
    been told is not published.
    """

    def __init__(self, address: Address, name: str, lost: Callable[[], None]) -> None:
        self.loop: asyncio.AbstractEventLoop
        self.inbox: Subscription
        self.turn: asyncio.Lock
        self._errors: list[Exception] = []
        self._flush: asyncio.Future[None] | None = None
        self._asked: Client | None = None  # whose it is
        self._address, self._name, self._lost = address, name, lost
        self._client: Client | None = None
        self._connecting: asyncio.Lock
        ready = Event()
        self._thread = Thread(target=self._serve, args=(ready,), name=f"funboost-{name}-nats", daemon=True)
        self._thread.start()
        ready.wait()

    def call(self, work: Coroutine[Any, Any, T], seconds: float) -> T:
        """What `work` returns, run on the loop.

        Raises:
            NatsUnavailable, ConfigError: it has failed, or has not ended within `seconds`.
        """
        done = Event()
        results: list[T] = []
        errors: list[BaseException] = []

        async def run() -> None:
            try:
                results.append(await asyncio.wait_for(work, seconds))
            except BaseException as error:
                errors.append(error)
            done.set()

        self.loop.call_soon_threadsafe(lambda: self.loop.create_task(run()))
        done.wait(seconds + 1)
        if results:
            return results[0]
        raise self.explained(errors[0] if errors else "its thread does not answer")

    def explained(self, error: BaseException | str) -> FunboostError:
        """As an error of the core."""
        return explained(error, self._address)

    def alive(self) -> bool:
        """Whether there is a connection."""
        return self._client is not None and self._client.is_connected

    async def client(self) -> Client:
        """The connected client; on the loop."""
        async with self._connecting:
            if not self.alive():
                self._client = await asyncio.wait_for(self._connect(), CONNECT_SECONDS)
            assert self._client is not None
            return self._client

    async def confirm(self, client: Client, seconds: float) -> None:
        """Return when the server has taken in all that was sent, or raise what it has refused; `turn` is held meanwhile.

        The client's own `flush` may return, or wait on, when the connection ends.
        """
        self._asked = client
        self._flush = asyncio.ensure_future(_flush(client, seconds))
        try:
            await self._flush
        except BaseException as error:
            await end(client)  # an answer that came later would be taken for that of the next question
            if isinstance(error, asyncio.CancelledError) and self._flush.cancelled():
                raise self.explained("the connection was cut") from None
            raise
        refused, self._errors = self._errors, []
        if not client.is_connected:
            raise self.explained("the connection was cut")
        if refused:
            raise self.explained(refused[-1])

    def close(self) -> None:
        """End it."""
        with contextlib.suppress(Exception):  # it was away already
            self.call(self._close(), 2)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5)

    def _serve(self, ready: Event) -> None:
        # All of it is made here: where gevent has patched the selectors, they belong to their thread; so do the locks of
        # Python 3.9.
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        self.turn, self._connecting = asyncio.Lock(), asyncio.Lock()
        ready.set()
        self.loop.run_forever()
        self.loop.close()

    async def _connect(self) -> Client:
        client, self._errors = Client(), []

        async def failed(error: Exception) -> None:
            self._errors.append(error)

        async def closed() -> None:
            if self._flush is not None and self._asked is client:
                self._flush.cancel()
            self._lost()

        def plain() -> ConfigError | None:
            return _plain(self._address) if self._address.tls and not _encrypted(client) else None

        def told(name: str) -> Callable[[], str] | None:
            value = self._address.credentials.get(name)

            def tell() -> str:  # the client asks right before it sends it
                if error := plain():
                    raise error
                return value or ""

            return None if value is None else tell

        try:
            await client.connect(
                self._address.servers,
                name=self._name,
                tls=self._address.tls,
                error_cb=failed,
                closed_cb=closed,
                allow_reconnect=False,
                max_reconnect_attempts=1,  # each server is asked twice, and without a pause
                reconnect_time_wait=0,
                ping_interval=_PING_SECONDS,
                user=told("user"),
                password=told("password"),
                token=told("token"),
            )
            if error := plain():
                raise error
            self._errors.clear()  # those of servers that are away: another one will do
            self.inbox = await client.subscribe(f"{client.new_inbox()}.*")
            await self.confirm(client, CONNECT_SECONDS)
        except BaseException as error:
            await end(client)
            raise self._telling([*self._errors, error]) from None
        return client

    def _telling(self, errors: Sequence[BaseException]) -> FunboostError:
        """Of all that has gone wrong what the user can mend: whom a server refuses may also see a broken connection."""
        told = [self.explained(error) for error in errors if not isinstance(error, asyncio.CancelledError)]
        return next(
            (error for error in told if isinstance(error, ConfigError)),
            told[0] if told else self.explained("it does not answer"),
        )

    async def _close(self) -> None:
        if self._client is not None:
            await end(self._client)


async def end(client: Client) -> None:
    """Close it; with some broken connections the client would wait for ever."""
    with contextlib.suppress(Exception):  # it is of no use any more
        await asyncio.wait_for(client.close(), _CLOSE_SECONDS)


async def _flush(client: Client, seconds: float) -> None:
    """Write everything, and wait for the server's answer to a ping.  The client's own would overtake what is not written."""
    await asyncio.wait_for(_written(client), seconds)
    await client.flush(timeout=seconds)  # type: ignore[arg-type]


async def _written(client: Client) -> None:
    pause = 0.0
    while client.pending_data_size and client.is_connected:
        await asyncio.sleep(pause)
        pause = min(pause + 0.0001, 0.01)


def _encrypted(client: Client) -> bool:
    """The client follows the server: to one without TLS it would talk in plain text, whatever the URL says."""
    writer = getattr(getattr(client, "_transport", None), "_io_writer", None)
    return writer is not None and writer.get_extra_info("ssl_object") is not None


def _plain(address: Address) -> ConfigError:
    return ConfigError(
        f"NATS_URL says tls://, and the NATS server {address} does not encrypt. Let it do so (tls in its configuration), or "
        "write nats://."
    )
