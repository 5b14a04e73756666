"""Fetching and settling; everything here runs inside a write transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from funboost_core.ports.broker import Delivery

if TYPE_CHECKING:
    from .link import Link
    from .owners import Owner
    from .schema import QueueSql

Settled = list[tuple["Lease", "set[int]"]]


class Lease:
    """What one fetch got from one table: the rows `first` to `last`, of which `open` are not settled yet.

    The tag of a delivery is ``(lease, row id)``, so a stale delivery never hits a message that got the same row or
    was fetched again.
    """

    __slots__ = ("first", "last", "open", "owner", "special")

    def __init__(self, owner: Owner, ids: list[int], special: bool) -> None:
        self.owner = owner
        self.first, self.last = ids[0], ids[-1]
        self.open = set(ids)
        self.special = special


def claim(link: Link, sql: QueueSql, owner: Owner, limit: int, now: float) -> list[Delivery]:
    """Fetch up to `limit` messages for `owner`: higher priorities and returned ones first, then in order."""
    last, special = link.writer.execute(sql.state).fetchall()[0]
    found: list[Delivery] = []
    if special:
        link.writer.execute(sql.promote, (now,))
        found = _take(link, sql, owner, sql.fetch_high, limit)
    if len(found) < limit:
        rows = link.writer.execute(sql.fetch, (last, limit - len(found))).fetchall()
        if rows:
            lease = Lease(owner, [row[0] for row in rows], False)
            link.writer.execute(sql.advance, (lease.last,))
            link.writer.execute("INSERT INTO leases VALUES (?, ?, ?)", (owner.id, lease.first, lease.last))
            found += [Delivery(body, (lease, number), attempts + 1) for number, attempts, body in rows]
    if special and len(found) < limit:
        found += _take(link, sql, owner, sql.fetch_low, limit - len(found))
    return found


def _take(link: Link, sql: QueueSql, owner: Owner, query: str, limit: int) -> list[Delivery]:
    rows = link.writer.execute(query, (limit,)).fetchall()
    if not rows:
        return []
    lease = Lease(owner, [row[0] for row in rows], True)
    link.writer.executemany(sql.take, [(owner.id, row[0]) for row in rows])
    return [Delivery(body, (lease, number), attempts + 1) for number, attempts, body in rows]


def settle(link: Link, sql: QueueSql, owner: Owner, deliveries: Sequence[Delivery], requeue: bool = False) -> Settled:
    """Forget deliveries, or give them back, and say which; `conclude` after the commit.

    Those settled before, and those of an owner that is no longer ours, are left out.
    """
    wanted: dict[Lease, set[int]] = {}
    lease: Lease | None = None
    numbers: set[int] = set()
    for delivery in deliveries:
        its_lease, number = delivery.tag
        if its_lease is not lease:
            lease = its_lease
            numbers = wanted.setdefault(its_lease, set())
        numbers.add(number)
    settled: Settled = []
    for lease, asked in wanted.items():
        numbers = asked & lease.open
        if numbers and lease.owner is owner:
            _settle(link, sql, lease, numbers, requeue)
            settled.append((lease, numbers))
    return settled


def _settle(link: Link, sql: QueueSql, lease: Lease, numbers: set[int], requeue: bool) -> None:
    whole = len(numbers) == len(lease.open)
    first, last = (lease.first, lease.last) if whole else (min(numbers), max(numbers))
    if not requeue and not lease.special and (whole or last - first + 1 == len(numbers)):
        link.writer.execute(sql.acknowledge_range, (first, last))
    else:
        for statement in (sql.requeue if requeue else sql.acknowledge)[lease.special]:
            link.writer.executemany(statement, [(number,) for number in sorted(numbers)])
    if whole and not lease.special:
        link.writer.execute("DELETE FROM leases WHERE owner = ? AND first = ?", (lease.owner.id, lease.first))


def conclude(settled: Settled) -> None:
    """Remember what was settled, once it is committed."""
    for lease, numbers in settled:
        lease.open -= numbers
