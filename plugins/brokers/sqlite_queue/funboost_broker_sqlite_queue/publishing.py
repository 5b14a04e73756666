"""Publishing; threads that publish at once share a transaction."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

from funboost_core.native import Lock

if TYPE_CHECKING:
    from funboost_core.ports.broker import Outgoing

    from .database import Database
    from .link import Link

PATIENCE = 0.05
"""Seconds after which a thread that waits looks whether the one that was to wake it was interrupted."""


class Ticket:
    """What one call publishes, and what became of it."""

    __slots__ = ("delayed", "done", "error", "full", "gate", "plain", "queue")

    def __init__(self, queue: str, messages: Sequence[Outgoing], now: float, full: bool) -> None:
        self.queue = queue
        self.full = full
        self.done = False
        self.gate: Lock | None = None  # of a thread that waits for another to commit
        self.error: Exception | None = None
        self.plain: list[tuple[int, object]] = []
        self.delayed: list[tuple[int, float | None, int, object]] = []
        for message in messages:
            due = message.due
            if due is not None and due <= now:
                due = None
            if due is None and not message.priority:
                self.plain.append((message.attempts, message.body))
            else:
                self.delayed.append((message.priority, due, message.attempts, message.body))


class GroupCommit:
    """Publishes for all threads of the process.

    Whoever has the turn commits what all others have brought by the time it has the lock of the database, wakes them,
    and the first of those who have come since, which has the turn next.  Nobody depends on a thread that is interrupted,
    wherever that is (by Ctrl-C, or because the task that publishes has had its time): who is not woken goes on by itself.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turn = Lock()
        self._taken = False  # somebody has the turn, or was woken for it, and will wake others; a hint
        self._pending: deque[Ticket] = deque()

    def publish(self, ticket: Ticket) -> None:
        """Return when `ticket` is committed."""
        try:
            if self._taken:
                ticket.gate = Lock()
                ticket.gate.acquire()
            self._pending.append(ticket)
            if ticket.gate is not None and self._taken:  # still: it will see us
                ticket.gate.acquire(timeout=PATIENCE)
            if not ticket.done:
                with self._turn:
                    if not ticket.done:
                        self._lead(ticket)
        finally:
            if not ticket.done:
                with contextlib.suppress(ValueError):  # another thread has it in hand
                    self._pending.remove(ticket)
        if ticket.error is not None:
            raise ticket.error

    def _lead(self, own: Ticket) -> None:
        self._taken, batch = True, []
        try:
            with self._database.lock:
                batch = self._batch(own)
                _commit_each(self._database, batch)
        finally:
            self._taken = False
            self._wake([*islice(self._pending.copy(), 1), *batch])

    def _wake(self, tickets: list[Ticket]) -> None:
        for ticket in tickets:
            gate = ticket.gate
            if gate is not None and gate.locked():
                self._taken = self._taken or not ticket.done
                gate.release()

    def _batch(self, own: Ticket) -> list[Ticket]:
        batch = []
        try:
            while True:
                batch.append(self._pending.popleft())
        except IndexError:
            pass
        return batch if own in batch else [own, *batch]  # who had it in hand was interrupted


def _commit_each(database: Database, batch: Sequence[Ticket]) -> None:
    try:
        _commit(database, batch)
    except Exception as error:
        if len(batch) == 1:
            batch[0].done, batch[0].error = True, error
            return
        for ticket in batch:  # one may have spoilt it for all: each on its own
            _commit_each(database, [ticket])


def _commit(database: Database, batch: Sequence[Ticket]) -> None:
    full = any(ticket.full for ticket in batch)
    first = batch[0]
    if len(batch) == 1 and len(first.plain) == 1 and not first.delayed:
        with database.transaction(full, single=first.queue) as link:
            link.writer.execute(link.queue(first.queue).publish, first.plain[0])
    else:
        with database.transaction(full) as link:
            for ticket in batch:
                insert(link, ticket)
    for ticket in batch:
        ticket.done = True
        database.channel(ticket.queue).signal()


def insert(link: Link, ticket: Ticket) -> None:
    """Add the messages of `ticket`; inside a write transaction."""
    sql = link.queue(ticket.queue)
    if ticket.plain:
        number = link.writer.execute(sql.next_id).fetchall()[0][0]
        link.writer.executemany(
            sql.publish_many, ((number, attempts, body) for number, (attempts, body) in enumerate(ticket.plain, number))
        )
    if ticket.delayed:
        link.writer.executemany(sql.delayed, ticket.delayed)
