"""Publishing: what several threads have to send travels together, and the server's word for it is awaited once."""

from __future__ import annotations

import collections
import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from funboost_core import BrokerError
from funboost_core.native import Event

from .connection import CONNECT_SECONDS

if TYPE_CHECKING:
    from .connection import Connection


class Job:
    """Bodies that one thread wants published, and what became of them."""

    def __init__(self, bodies: Sequence[bytes]) -> None:
        self.bodies = bodies
        self.done = Event()
        self.unheard: list[bytes] = []
        self.error: BaseException | None = None


class Sender:
    """Publishes to one subject.

    Each message names an inbox for answers.  A server that finds nobody for a message says so there ("no responders"), and
    says it before it answers the ping that follows.
    """

    def __init__(self, connection: Connection, subject: str, seconds: float) -> None:
        self._connection, self._subject, self._seconds = connection, subject, seconds
        self._jobs: collections.deque[Job] = collections.deque()
        self._busy = False

    def send(self, bodies: Sequence[bytes]) -> list[bytes]:
        """Publish; returns those that nobody has heard.  On any thread.

        Raises:
            NatsUnavailable: the server cannot be reached, or has not confirmed; what of it has arrived is not known.
            ConfigError: it does not let us in, or does not allow it.
            BrokerError: one of them is larger than the server allows; none was sent.
        """
        job = Job(bodies)
        self._jobs.append(job)
        self._connection.loop.call_soon_threadsafe(self._begin)
        if not job.done.wait(2 * self._seconds + CONNECT_SECONDS):  # those before it, a connection, and itself
            with contextlib.suppress(ValueError):
                self._jobs.remove(job)
            raise self._connection.explained("its thread does not answer")
        if job.error is not None:
            raise self._connection.explained(job.error)
        return job.unheard

    def _begin(self) -> None:
        if not self._busy and self._jobs:
            self._busy = True
            self._connection.loop.create_task(self._work())

    async def _work(self) -> None:
        while self._jobs:
            jobs = []
            while self._jobs:
                jobs.append(self._jobs.popleft())
            try:
                await self._send(jobs)
            except BaseException as error:
                for job in jobs:
                    job.error = job.error or error
            for job in jobs:
                job.done.set()
        self._busy = False

    async def _send(self, jobs: Sequence[Job]) -> None:
        connection = self._connection
        async with connection.turn:
            client = await connection.client()
            inbox = connection.inbox
            prefix, most = inbox.subject[:-1], client.max_payload
            sent: list[tuple[Job, bytes]] = []
            for job in jobs:
                size = max(map(len, job.bodies), default=0)
                if size > most:
                    job.error = BrokerError(
                        f"A message of {size} bytes is larger than the NATS server takes ({most}). Send less, for example "
                        "the name of a file, or raise max_payload in the server's configuration."
                    )
                    continue
                for body in job.bodies:
                    await client.publish(self._subject, body, reply=f"{prefix}{len(sent)}")
                    sent.append((job, body))
            await connection.confirm(client, self._seconds)
            while inbox.pending_msgs:
                answer = await inbox.next_msg()
                if (answer.headers or {}).get("Status") == "503":
                    job, body = sent[int(answer.subject[len(prefix) :])]
                    job.unheard.append(body)
