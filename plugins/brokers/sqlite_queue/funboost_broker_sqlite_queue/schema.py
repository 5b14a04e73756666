"""The tables, and the statements of one queue.

Messages without priority and delay lie in ``messages_<n>`` in order of publishing.  ``queues.last`` is the cursor: all
ids up to it have been fetched, and ids above it wait, without gaps.  What a consumer fetched at once is one row of
``leases``; its rows that still exist are not acknowledged.  Everything else (priority, due in the future, requeued,
recovered) lies in ``special_<n>`` with a state per row: waiting for its due time, ready, or fetched by ``owner``.
"""

from __future__ import annotations

import sqlite3

APPLICATION = 0x46514551
VERSION = 1

TABLES = (
    "CREATE TABLE queues(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, last INTEGER NOT NULL DEFAULT 0)",
    # AUTOINCREMENT: the number of a consumer that was taken for dead must never be given to another
    "CREATE TABLE owners(id INTEGER PRIMARY KEY AUTOINCREMENT, queue INTEGER NOT NULL, token INTEGER NOT NULL)",
    "CREATE TABLE leases(owner INTEGER, first INTEGER, last INTEGER, PRIMARY KEY(owner, first)) WITHOUT ROWID",
)


def is_new(connection: sqlite3.Connection) -> bool:
    """Whether the file has no tables yet.

    Raises:
        ValueError: the file belongs to another program or to another version.
    """
    tables, application, version = (
        connection.execute(query).fetchall()[0][0]
        for query in ("SELECT count(*) FROM sqlite_master", "PRAGMA application_id", "PRAGMA user_version")
    )
    if not tables:
        return True
    if application != APPLICATION:
        raise ValueError("it is the SQLite database of another program")
    if version != VERSION:
        raise ValueError(f"it has format {version} and this version of funboost-broker-sqlite-queue reads {VERSION}")
    return False


class QueueSql:
    """The statements of the queue with this id."""

    __slots__ = (
        "acknowledge",
        "acknowledge_range",
        "advance",
        "count",
        "delayed",
        "fetch",
        "fetch_high",
        "fetch_low",
        "id",
        "next_id",
        "owners",
        "peek",
        "promote",
        "publish",
        "publish_many",
        "purge",
        "recover",
        "recover_special",
        "requeue",
        "state",
        "take",
    )

    def __init__(self, number: int) -> None:
        self.id = number
        plain, special, queue = f"messages_{number}", f"special_{number}", f"FROM queues WHERE id = {number}"
        ready = "owner IS NULL AND due IS NULL"
        new = f"1 + max((SELECT last {queue}), ifnull((SELECT max(id) FROM {plain}), 0))"
        columns = "(rank, due, attempts, body)"

        self.next_id = f"SELECT {new}"
        self.publish = f"INSERT INTO {plain} VALUES ({new}, ?, ?)"
        self.publish_many = f"INSERT INTO {plain} VALUES (?, ?, ?)"
        self.delayed = f"INSERT INTO {special}{columns} VALUES (?, ?, ?, ?)"

        self.state = f"SELECT last, EXISTS(SELECT 1 FROM {special}) {queue}"
        self.fetch = f"SELECT id, attempts, body FROM {plain} WHERE id > ? ORDER BY id LIMIT ?"
        self.advance = f"UPDATE queues SET last = ? WHERE id = {number}"
        self.promote = f"UPDATE {special} SET due = NULL WHERE due <= ?"
        chosen = f"SELECT id, attempts, body FROM {special} WHERE {ready} AND rank"
        self.fetch_high = f"{chosen} >= 0 ORDER BY rank DESC, id LIMIT ?"
        self.fetch_low = f"{chosen} < 0 ORDER BY rank DESC, id LIMIT ?"
        self.take = f"UPDATE {special} SET owner = ? WHERE id = ?"
        self.peek = (
            f"SELECT (SELECT max(id) FROM {plain}) > (SELECT last {queue})"
            f" OR EXISTS(SELECT 1 FROM {special} WHERE {ready}),"
            f" (SELECT min(due) FROM {special} WHERE due IS NOT NULL)"
        )

        drop, drop_special = f"DELETE FROM {plain} WHERE id = ?", f"DELETE FROM {special} WHERE id = ?"
        self.acknowledge_range = f"DELETE FROM {plain} WHERE id BETWEEN ? AND ?"
        self.acknowledge = (drop,), (drop_special,)
        # ahead of the queue, where it came from; but a message given back again and again must let others pass
        self.requeue = (
            (f"INSERT INTO {special}{columns} SELECT 0, NULL, attempts, body FROM {plain} WHERE id = ?", drop),
            (
                f"INSERT INTO {plain} SELECT {new}, attempts, body FROM {special} WHERE id = ? AND rank = 0",
                f"INSERT INTO {special}{columns}"
                f" SELECT rank, NULL, attempts, body FROM {special} WHERE id = ? AND rank <> 0",
                drop_special,
            ),
        )

        self.owners = f"SELECT id FROM owners WHERE queue = {number}"
        self.recover = (
            f"INSERT INTO {special}{columns}"
            f" SELECT 0, NULL, attempts + ?, body FROM {plain} WHERE id BETWEEN ? AND ? ORDER BY id"
        )
        self.recover_special = f"UPDATE {special} SET owner = NULL, attempts = attempts + ? WHERE owner = ?"

        # no gaps above the cursor: subtracting counts
        self.count = (
            f"SELECT max(0, ifnull((SELECT max(id) FROM {plain}), 0) - (SELECT last {queue}))"
            f" + (SELECT count(*) FROM {special} WHERE {ready})"
            f" + (SELECT count(*) FROM {special} WHERE due IS NOT NULL)"
        )
        self.purge = (
            f"DELETE FROM {plain} WHERE id > (SELECT last {queue})",
            f"DELETE FROM {special} WHERE owner IS NULL",
        )

    @classmethod
    def find(cls, connection: sqlite3.Connection, name: str) -> QueueSql | None:
        """The queue called `name`."""
        found = connection.execute("SELECT id FROM queues WHERE name = ?", (name,)).fetchall()
        return cls(found[0][0]) if found else None

    @classmethod
    def make(cls, connection: sqlite3.Connection, name: str) -> QueueSql:
        """A new queue called `name`; inside a write transaction."""
        number = connection.execute("INSERT INTO queues(name) VALUES (?)", (name,)).lastrowid
        assert number is not None
        connection.execute(
            f"CREATE TABLE messages_{number}(id INTEGER PRIMARY KEY, attempts INTEGER NOT NULL, body BLOB NOT NULL)"
        )
        connection.execute(
            f"CREATE TABLE special_{number}(id INTEGER PRIMARY KEY, rank INTEGER NOT NULL, due REAL,"
            " attempts INTEGER NOT NULL, owner INTEGER, body BLOB NOT NULL)"
        )
        connection.execute(
            f"CREATE INDEX ready_{number} ON special_{number}(owner, due, rank DESC)"
            " WHERE owner IS NULL AND due IS NULL"
        )
        connection.execute(f"CREATE INDEX due_{number} ON special_{number}(due) WHERE due IS NOT NULL")
        return cls(number)
