"""The full-text index of the history: filled after the rows, many at a time.

All rows up to the id in ``history_indexed`` are in it; the few after that are searched one by one.  Adding a row at a
time would cost as much as writing it; and both are changed in one transaction, so that a crash leaves them in step.
"""

from __future__ import annotations

from sqlite3 import Connection, OperationalError

TAIL = 2000
"""Rows from which on they are added to the index, at most so many in one transaction (some 6 ms)."""

_TABLE = """CREATE VIRTUAL TABLE history_text USING fts5(
    searched, content='history', content_rowid='id', tokenize='trigram', detail='none')"""
_FILLING = (
    "CREATE TABLE history_indexed (upto INTEGER NOT NULL)",
    "INSERT INTO history_indexed (upto) VALUES (0)",
    """CREATE TRIGGER history_deleted AFTER DELETE ON history WHEN old.id <= (SELECT upto FROM history_indexed) BEGIN
        INSERT INTO history_text (history_text, rowid, searched) VALUES ('delete', old.id, old.searched); END""",
    """CREATE TRIGGER history_changed AFTER UPDATE OF searched ON history
        WHEN old.searched <> new.searched AND old.id <= (SELECT upto FROM history_indexed) BEGIN
        INSERT INTO history_text (history_text, rowid, searched) VALUES ('delete', old.id, old.searched);
        INSERT INTO history_text (rowid, searched) VALUES (new.id, new.searched); END""",
)


def create(connection: Connection) -> None:
    """Make it where this SQLite has FTS5 and trigrams."""
    try:
        connection.execute(_TABLE)
    except OperationalError:
        return
    for statement in _FILLING:
        connection.execute(statement)


def exists(connection: Connection) -> bool:
    """Whether the history of this file has one."""
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'history_text'").fetchone() is not None


def due(connection: Connection) -> bool:
    """Whether `TAIL` rows or more are not in it."""
    (tail,) = connection.execute("SELECT max(id) - (SELECT upto FROM history_indexed) FROM history").fetchone()
    return tail is not None and tail >= TAIL


def extend(connection: Connection) -> None:
    """Add the next `TAIL` rows, within the caller's transaction."""
    (upto,) = connection.execute("SELECT upto FROM history_indexed").fetchone()
    last = connection.execute(
        "SELECT max(id) FROM (SELECT id FROM history WHERE id > ? ORDER BY id LIMIT ?)", (upto, TAIL)
    ).fetchone()[0]
    if last is not None:
        connection.execute(
            "INSERT INTO history_text (rowid, searched) "
            "SELECT id, searched FROM history WHERE id > ? AND id <= ? ORDER BY id",
            (upto, last),
        )
        connection.execute("UPDATE history_indexed SET upto = ?", (last,))


def candidates(connection: Connection, text: str, most: int) -> list[int] | None:
    """Ids of all rows that may contain `text`; None where they are `most` or more.

    For texts of three characters or more: the index knows nothing of shorter ones.
    """
    # First the tail: what is added to the index in between is found twice, not missed.
    tail = connection.execute(
        "SELECT id FROM history WHERE id > (SELECT upto FROM history_indexed) AND instr(searched, ?)", (text,)
    ).fetchall()
    indexed = connection.execute(
        "SELECT rowid FROM history_text WHERE searched LIKE ? LIMIT ?", (f"%{text}%", most)
    ).fetchall()
    return None if len(indexed) == most else [row for (row,) in (*indexed, *tail)]
