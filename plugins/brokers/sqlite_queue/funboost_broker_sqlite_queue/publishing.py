"""Publishing; threads that publish at once share a transaction."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from funboost_core.native import Lock

if TYPE_CHECKING:
    from funboost_core.ports.broker import Outgoing

    from .database import Database
    from .link import Link


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

    Whoever comes first leads: it commits all that has come by the time it has the lock of the database, wakes those
    who brought it, and hands the lead to the next one who waits.  A thread alone never waits for another.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._mutex = Lock()
        self._leader: Ticket | None = None
        self._pending: deque[Ticket] = deque()

    def publish(self, ticket: Ticket) -> None:
        """Return when `ticket` is committed."""
        try:
            with self._mutex:
                if self._leader is None:
                    self._leader = ticket
                else:
                    ticket.gate = Lock()
                    ticket.gate.acquire()
                    self._pending.append(ticket)
            if ticket.gate is not None:
                ticket.gate.acquire()
            if self._leader is ticket:
                self._lead(ticket)
        finally:  # also when Ctrl-C hits this thread: the others must not wait for it
            if self._leader is ticket or not ticket.done:
                self._leave(ticket)
        if ticket.error is not None:
            raise ticket.error

    def _lead(self, own: Ticket) -> None:
        others: list[Ticket] = []
        try:
            with self._database.lock:
                if self._pending:
                    with self._mutex:
                        others = list(self._pending)
                        self._pending.clear()
                _commit_each(self._database, [own, *others])
        finally:
            if others:
                self._dismiss(others)

    def _dismiss(self, others: list[Ticket]) -> None:
        with self._mutex:
            self._pending.extendleft(ticket for ticket in reversed(others) if not ticket.done)
        for ticket in others:
            if ticket.done and ticket.gate is not None:
                ticket.gate.release()

    def _leave(self, ticket: Ticket) -> None:
        with self._mutex:
            if ticket in self._pending:
                self._pending.remove(ticket)
            if self._leader is ticket:
                self._leader = successor = self._pending.popleft() if self._pending else None
                if successor is not None and successor.gate is not None:
                    successor.gate.release()


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
