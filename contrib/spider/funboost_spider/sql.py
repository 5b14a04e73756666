"""Rows into a table of a SQL database, by its own upsert."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Mapping
from itertools import groupby
from typing import Any

try:
    import sqlalchemy
    from sqlalchemy.dialects import mysql, postgresql, sqlite
except ImportError as _error:
    raise ImportError(f"Saving to SQL needs SQLAlchemy ({_error}): pip install 'funboost-spider[sql]'") from _error

Row = Mapping[str, Any]
_TYPES: list[tuple[type | tuple[type, ...], Any]] = [  # bool is an int, datetime a date: the special ones first
    (bool, sqlalchemy.Boolean()),
    (int, sqlalchemy.BigInteger()),
    (float, sqlalchemy.Float(53)),
    (decimal.Decimal, sqlalchemy.Numeric(38, 10)),
    (datetime.datetime, sqlalchemy.DateTime()),
    (datetime.date, sqlalchemy.Date()),
    (bytes, sqlalchemy.LargeBinary().with_variant(mysql.LONGBLOB(), "mysql", "mariadb")),
    ((dict, list), sqlalchemy.JSON()),
]
_TEXT = sqlalchemy.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
_KEY = sqlalchemy.Text().with_variant(sqlalchemy.String(255), "mysql", "mariadb")  # MySQL's indexes want a length


class Table:
    """The table as it is in the database, made from the first rows where it is not there."""

    def __init__(self, url: str, name: str, key: tuple[str, ...], rows: list[Row]) -> None:
        self._key = key
        waits = {"connect_args": {"timeout": 30}} if url.startswith("sqlite") else {}
        self._engine = sqlalchemy.create_engine(url, pool_pre_ping=True, **waits)
        if not sqlalchemy.inspect(self._engine).has_table(name):
            try:
                made(name, key, rows).create(self._engine)
            except sqlalchemy.exc.DBAPIError:
                if not sqlalchemy.inspect(self._engine).has_table(name):  # another process has just made it
                    raise
        self._table = sqlalchemy.Table(name, sqlalchemy.MetaData(), autoload_with=self._engine)

    def write(self, rows: list[Row]) -> None:
        """
        Raises:
            ValueError: a row has a column that the table does not have.
        """
        unknown = sorted({name for row in rows for name in row if name not in self._table.columns})
        if unknown:
            raise ValueError(
                f"The table {self._table.name!r} has no column {', '.join(unknown)}. Add it: ALTER TABLE …"
            )
        rows = sorted(rows, key=lambda row: sorted(row))  # one statement for rows of the same columns
        with self._engine.begin() as connection:
            for columns, alike in groupby(rows, key=lambda row: sorted(row)):
                statement = upsert(self._table, self._key, columns, self._engine.dialect.name)
                connection.execute(statement, [dict(row) for row in alike])

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()


def made(name: str, key: tuple[str, ...], rows: list[Row]) -> sqlalchemy.Table:
    """The table that these rows fit into; a column that has no value in any of them is text."""
    columns = []
    for column in dict.fromkeys(name for row in rows for name in row):
        value = next((row[column] for row in rows if row.get(column) is not None), None)
        kind = next((kind for types, kind in _TYPES if isinstance(value, types)), _KEY if column in key else _TEXT)
        columns.append(sqlalchemy.Column(column, kind, primary_key=column in key, autoincrement=False))
    return sqlalchemy.Table(name, sqlalchemy.MetaData(), *columns)


def upsert(table: sqlalchemy.Table, key: tuple[str, ...], columns: list[str], dialect: str) -> Any:
    """Insert a row, or set these columns of the one that has its key."""
    changed = [column for column in columns if column not in key]
    if dialect in ("mysql", "mariadb"):
        replace = mysql.insert(table)
        return replace.on_duplicate_key_update({name: replace.inserted[name] for name in changed or key})
    if dialect not in ("postgresql", "sqlite"):
        raise ValueError(f"No upsert is known here for {dialect}. There are: mysql, mariadb, postgresql, sqlite.")
    insert: Any = (postgresql if dialect == "postgresql" else sqlite).insert(table)
    if not changed:
        return insert.on_conflict_do_nothing(index_elements=key)
    return insert.on_conflict_do_update(index_elements=key, set_={name: insert.excluded[name] for name in changed})
