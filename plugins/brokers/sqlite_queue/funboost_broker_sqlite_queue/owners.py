"""Who consumes: a row of ``owners`` each, and a lock on a file each that the kernel frees when its process ends."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

from funboost_core.errors import BrokerUnavailable

from .location import KIND
from .locks import FileLock

if TYPE_CHECKING:
    from .database import Database
    from .link import Link
    from .schema import QueueSql


class Owner:
    """A registered consumer.  It lives as long as it holds `lock`, however long its tasks run.

    `token` is random: should the file be replaced, numbers begin anew, and this owner must not pass for another.
    """

    __slots__ = ("id", "lock", "token")

    def __init__(self, number: int, token: int, lock: FileLock) -> None:
        self.id = number
        self.token = token
        self.lock = lock


def lock_file(database: Path, number: int) -> Path:
    """The file whose lock says that the owner lives."""
    return database.with_name(database.name + ".owners") / f"{number}.lock"


def register(link: Link, sql: QueueSql) -> Owner:
    """A new owner; its lock is held before the row can be seen.  Inside a write transaction."""
    token = random.SystemRandom().getrandbits(62)
    while True:
        number = link.writer.execute("INSERT INTO owners(queue, token) VALUES (?, ?)", (sql.id, token)).lastrowid
        assert number is not None
        path = lock_file(link.path, number)
        path.parent.mkdir(exist_ok=True)
        lock = FileLock(path)
        if lock.try_acquire() and lock.in_place():
            return Owner(number, token, lock)
        lock.close()  # of an owner of a database that was here before
        link.writer.execute("DELETE FROM owners WHERE id = ?", (number,))


def is_registered(link: Link, owner: Owner) -> bool:
    """Whether nobody has taken `owner` for dead."""
    return link.writer.execute("SELECT token FROM owners WHERE id = ?", (owner.id,)).fetchall() == [(owner.token,)]


def recover(link: Link, sql: QueueSql, number: int, died: bool) -> bool:
    """Put what an owner holds ahead of the queue and delete the owner, which fences it; False if it was gone.

    Deliveries that ended because their owner `died` are counted.  Inside a write transaction.
    """
    if not link.writer.execute("DELETE FROM owners WHERE id = ?", (number,)).rowcount:
        return False
    for span in link.writer.execute("SELECT first, last FROM leases WHERE owner = ?", (number,)).fetchall():
        link.writer.execute(sql.recover, (died, *span))
        link.writer.execute(sql.acknowledge_range, span)
    link.writer.execute("DELETE FROM leases WHERE owner = ?", (number,))
    link.writer.execute(sql.recover_special, (died, number))
    return True


def sweep(database: Database, queue: str, own: Owner | None, full: bool) -> list[int]:
    """Recover what the dead consumers of `queue` held: those whose lock can be taken.  Their numbers."""
    dead = []
    for (number,) in database.read(queue, "owners"):
        if own is not None and number == own.id:
            continue
        if _bury(database, queue, number, full):
            dead.append(number)
    return dead


def _bury(database: Database, queue: str, number: int, full: bool) -> bool:
    try:
        lock = FileLock(lock_file(database.path, number), create=False)
    except FileNotFoundError:
        lock = None  # without its file it cannot prove that it lives; if it does, it is fenced and registers again
    except OSError as error:
        raise BrokerUnavailable(kind=KIND, error=error) from error
    if lock is not None and not lock.try_acquire():
        lock.close()
        return False
    try:
        with database.lock, database.transaction(full) as link:
            found = recover(link, link.queue(queue), number, died=True)
        with database.lock:
            database.channel(queue).signal()
    except BaseException:
        if lock is not None:
            lock.close()
        raise
    if lock is not None:
        lock.remove()
    return found
