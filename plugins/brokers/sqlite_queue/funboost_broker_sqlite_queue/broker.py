"""The broker: one queue of the database file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from funboost_core.ports.broker import BrokerContext, Delivery, Outgoing, PullBroker

from .channel import await_messages
from .leases import claim, conclude, settle
from .location import database_path
from .owners import Owner, is_registered, recover, register, sweep
from .publishing import Ticket, insert
from .registry import attach, detach

if TYPE_CHECKING:
    from .database import Database
    from .link import Link
    from .options import Options
    from .schema import QueueSql


class SqliteBroker(PullBroker):
    """A queue in a SQLite file.  `schema` explains the tables, `owners` how the dead are known."""

    def __init__(self, context: BrokerContext) -> None:
        super().__init__(context)
        options: Options = context.options
        self._most = options.pull_msg_batch_size
        self._full = options.synchronous == "FULL"
        self._queue = context.queue
        self._clock = context.clock
        self._attached: Database | None = None
        self._owner: Owner | None = None
        self._woken = False
        self._plenty = True  # whether the last fetch got something, and so the next is likely to

    def open(self) -> None:
        """Open or make the database file and the queue.

        Raises:
            ConfigError: there can be no database at that place.
            BrokerUnavailable: it cannot be opened at the moment.
        """
        database = self._database
        with database.lock:
            database.ready()
            with database.transaction(self._full) as link:
                link.queue(self._queue)

    def close(self) -> None:
        """Give back what is not acknowledged and let go of the file."""
        self.wake()
        database, self._attached = self._attached, None
        if database is None:
            return
        try:
            if not database.forked:
                self._resign(database)
        finally:
            self._owner = None
            detach(database, self)

    def _resign(self, database: Database) -> None:
        with database.lock:
            owner, self._owner = self._owner, None
            if owner is None:
                return
            try:
                with database.transaction(self._full) as link:
                    if is_registered(link, owner):
                        recover(link, link.queue(self._queue), owner.id, died=False)
            except BaseException:
                owner.lock.close()  # whoever comes next sees a dead owner and recovers
                raise
            database.channel(self._queue).signal()
        owner.lock.remove()

    @property
    def _database(self) -> Database:
        database = self._attached
        if database is None or database.forked:
            self._owner = None  # in a forked child it is the parent's
            self._attached = database = attach(database_path(self.context.environment), self)
        return database

    @property
    def _consuming(self) -> Database | None:
        """The database of a consumer; None once it is closed: a call that comes late must not make it one again."""
        database = self._attached
        return database if database is None or not database.forked else self._database

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """Publish a batch; the messages are committed when it returns."""
        if messages:
            self._database.group.publish(Ticket(self._queue, messages, self._clock.time(), self._full))

    def listen(self) -> None:
        """Register as a consumer and recover what dead ones held."""
        database = self._consuming
        if database is None:
            return
        with database.lock:
            if self._attached is not database:  # closed meanwhile
                return
            with database.transaction(self._full) as link:
                self._registered(link, link.queue(self._queue))
        self.maintain()

    def _registered(self, link: Link, sql: QueueSql) -> Owner:
        """This consumer, registered anew when it had been taken for dead; what it held is no longer its own then."""
        owner = self._owner
        if owner is None or not is_registered(link, owner):
            if owner is not None:
                self.context.logger.warning(
                    "queue %s: consumer %d was taken for dead and registers again", self._queue, owner.id
                )
                owner.lock.close()
            self._owner = owner = register(link, sql)
        return owner

    def fetch(self, limit: int, timeout: float) -> Sequence[Delivery]:
        """Fetch up to `limit` messages, waiting at most `timeout` seconds for the first."""
        found: Sequence[Delivery] = self.turn((), limit) if self._plenty or timeout <= 0 else ()
        if found or timeout <= 0:
            return found
        deadline = self._clock.monotonic() + timeout
        while not found:
            database = self._consuming
            if database is None or not await_messages(
                database, self._queue, self._clock, deadline, lambda: self._woken
            ):
                self._woken = False
                return ()
            found = self.turn((), limit)
        return found

    def turn(self, done: Sequence[Delivery], limit: int) -> Sequence[Delivery]:
        """Acknowledge `done` and fetch what is there, in one transaction."""
        database = self._consuming
        if database is None:
            return ()
        with database.lock:
            if self._attached is not database:  # closed meanwhile
                return ()
            with database.transaction(self._full) as link:
                sql = link.queue(self._queue)
                owner = self._registered(link, sql)
                settled = settle(link, sql, owner, done)
                found = claim(link, sql, owner, min(limit, self._most), self._clock.time())
            conclude(settled)
        self._plenty = bool(found)
        return found

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Forget these messages for good."""
        self._settle(deliveries, False)

    def requeue(self, deliveries: Sequence[Delivery]) -> None:
        """Give messages back, `attempts` as they were.

        They go ahead of the queue, where they came from; but one that came from there, given back once already, goes
        behind it, so that a task which asks for another turn for ever does not keep the others from theirs.
        """
        self._settle(deliveries, True)

    def _settle(self, deliveries: Sequence[Delivery], requeue: bool) -> None:
        database = self._consuming
        if not deliveries or database is None:
            return
        with database.lock:
            owner = self._owner
            if owner is None:
                return
            with database.transaction(self._full) as link:
                if not is_registered(link, owner):
                    return
                settled = settle(link, link.queue(self._queue), owner, deliveries, requeue)
            conclude(settled)
            if requeue:
                database.channel(self._queue).signal()

    def forward(self, delivery: Delivery, message: Outgoing, queue: str) -> None:
        """Publish `message` to `queue` and acknowledge `delivery` in one transaction; nothing if it was given away."""
        database = self._consuming
        if database is None:
            return
        with database.lock:
            owner = self._owner
            if owner is None:
                return
            with database.transaction(self._full) as link:
                if not is_registered(link, owner):
                    return
                settled = settle(link, link.queue(self._queue), owner, [delivery])
                if settled:
                    insert(link, Ticket(queue, [message], self._clock.time(), self._full))
            conclude(settled)
            database.channel(queue).signal()

    def count(self) -> int:
        """Messages that wait, also those not yet due."""
        return int(self._database.read(self._queue, "count")[0][0])

    def purge(self) -> None:
        """Remove the messages that wait."""
        database = self._database
        with database.lock, database.transaction(self._full) as link:
            for statement in link.queue(self._queue).purge:
                link.writer.execute(statement)

    def wake(self) -> None:
        """End a fetch that waits, or the next one that would."""
        self._woken = True
        database = self._attached
        if database is not None and not database.forked:
            database.channel(self._queue).nudge()

    def maintain(self) -> None:
        """Recover what consumers held whose process has ended."""
        database = self._consuming
        if database is None:
            return
        database.inspect()
        for number in sweep(database, self._queue, self._owner, self._full):
            self.context.logger.warning(
                "queue %s: consumer %d is gone; what it had not acknowledged is back", self._queue, number
            )
