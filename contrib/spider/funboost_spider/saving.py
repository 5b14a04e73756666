"""Rows into a table or a collection: one call, the same for SQLite, MySQL, PostgreSQL and MongoDB.

A task may run twice (at least once is what queues guarantee).  Therefore rows have a key, and the later one replaces.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, Union

Row = Mapping[str, Any]


class _Place(Protocol):
    def write(self, rows: list[Row]) -> None: ...

    def close(self) -> None: ...


class Saver:
    """A table and its key.  Make it once, use it in every thread; nothing is opened before the first `save`.

    Args:
        url: as SQLAlchemy has them (``sqlite:///pages.db``, ``mysql+pymysql://user:password@host/base``,
            ``postgresql+psycopg://…``), or ``mongodb://host/base``.
        table: its name; or that of a collection.  Made with the columns of the first rows where it does not exist.
        key: column or columns that name a row.  In a table of your own they need a unique index.

    Example::

        movies = Saver("sqlite:///movies.db", "movies", key="url")
        movies.save({"url": url, "title": title})
        movies.save([{"url": a, "title": "A"}, {"url": b, "title": "B"}])
    """

    def __init__(self, url: str, table: str, key: Union[str, Sequence[str]]) -> None:
        self._url, self._name = url, table
        self._key = (key,) if isinstance(key, str) else tuple(key)
        if not self._key:
            raise ValueError(f"Rows of {table!r} need a key: a task may run twice. Name the column, or columns.")
        self._locks: dict[int, threading.Lock] = {}  # by process: one that is forked may find a lock held for ever
        self._place: _Place | None = None
        self._process = 0

    def save(self, rows: Row | Iterable[Row]) -> int:
        """Write one row or several, in one transaction where the database has them.

        Dicts and lists are JSON in SQL.  Blocks: in coroutines use ``await asyncio.to_thread(saver.save, row)``.

        Returns:
            How many rows were written; of those of the same key only the last is.

        Raises:
            ValueError: a row has no value for the key, or a column that the table does not have.
            ImportError: SQLAlchemy or pymongo is not installed.
        """
        given: Iterable[Row] = [rows] if isinstance(rows, Mapping) else rows
        last: dict[tuple[Any, ...], Row] = {}
        for row in given:
            missing = [name for name in self._key if row.get(name) is None]
            if missing:
                raise ValueError(f"A row for {self._name!r} has no {', '.join(missing)}, its key. It has: {list(row)}")
            last[tuple(row[name] for name in self._key)] = row
        if last:
            self._opened(list(last.values())).write(list(last.values()))
        return len(last)

    def close(self) -> None:
        """Close the connections; the next `save` opens them again."""
        with self._lock():
            if self._place is not None and self._process == os.getpid():
                self._place.close()
            self._place = None

    def _lock(self) -> threading.Lock:
        return self._locks.setdefault(os.getpid(), threading.Lock())

    def _opened(self, rows: list[Row]) -> _Place:
        with self._lock():
            if self._place is None or self._process != os.getpid():  # connections are not shared with children
                if self._url.startswith(("mongodb://", "mongodb+srv://")):
                    from .mongo import Collection

                    self._place = Collection(self._url, self._name, self._key)
                else:
                    from .sql import Table

                    self._place = Table(self._url, self._name, self._key, rows)
                self._process = os.getpid()
            return self._place
