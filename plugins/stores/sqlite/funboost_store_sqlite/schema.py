"""The tables, and their version."""

from __future__ import annotations

from sqlite3 import Connection, OperationalError

VERSION = 1

_TABLES = """
CREATE TABLE replies (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice: readers ask for what came after the last they saw
    task_id TEXT NOT NULL UNIQUE, expires REAL NOT NULL, payload BLOB NOT NULL);
CREATE INDEX replies_expires ON replies (expires);

CREATE TABLE history (
    id INTEGER PRIMARY KEY, task_id TEXT NOT NULL UNIQUE, queue TEXT, run_status TEXT, success INTEGER,
    time_start REAL, expires REAL NOT NULL, searched TEXT NOT NULL, record BLOB NOT NULL);
CREATE INDEX history_queue ON history (queue, time_start, success, run_status);
CREATE INDEX history_time ON history (time_start, success, run_status);
CREATE INDEX history_running ON history (time_start) WHERE success IS NULL;
CREATE INDEX history_expires ON history (expires);

CREATE TABLE claims (  -- holder NULL: done; expires NULL: for ever
    scope TEXT NOT NULL, key TEXT NOT NULL, holder TEXT, expires REAL, PRIMARY KEY (scope, key)) WITHOUT ROWID;
CREATE INDEX claims_expires ON claims (expires) WHERE expires IS NOT NULL;

CREATE TABLE parked (  -- ready: the due time, or the end of the claim
    target TEXT NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL, due REAL NOT NULL, reason TEXT NOT NULL,
    ready REAL NOT NULL, PRIMARY KEY (target, id));
CREATE INDEX parked_ready ON parked (target, ready);

CREATE TABLE members (
    scope TEXT NOT NULL, member TEXT NOT NULL, info TEXT NOT NULL, expires REAL NOT NULL,
    PRIMARY KEY (scope, member)) WITHOUT ROWID;
CREATE TABLE flags (
    scope TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, expires REAL,
    PRIMARY KEY (scope, name)) WITHOUT ROWID;
CREATE TABLE counters (
    scope TEXT NOT NULL, name TEXT NOT NULL, value INTEGER NOT NULL, PRIMARY KEY (scope, name)) WITHOUT ROWID;
CREATE TABLE schedules (scope TEXT PRIMARY KEY, next_due REAL NOT NULL, clock_offset REAL NOT NULL) WITHOUT ROWID
"""

_TEXT_INDEX = (
    # Trigrams find any part of a word and need no word boundaries (Chinese); LIKE can use them without positions.
    """CREATE VIRTUAL TABLE history_text USING fts5(
        searched, content='history', content_rowid='id', tokenize='trigram', detail='none')""",
    """CREATE TRIGGER history_added AFTER INSERT ON history BEGIN
        INSERT INTO history_text (rowid, searched) VALUES (new.id, new.searched); END""",
    """CREATE TRIGGER history_deleted AFTER DELETE ON history BEGIN
        INSERT INTO history_text (history_text, rowid, searched) VALUES ('delete', old.id, old.searched); END""",
    """CREATE TRIGGER history_changed AFTER UPDATE OF searched ON history WHEN old.searched <> new.searched BEGIN
        INSERT INTO history_text (history_text, rowid, searched) VALUES ('delete', old.id, old.searched);
        INSERT INTO history_text (rowid, searched) VALUES (new.id, new.searched); END""",
)


def version_of(connection: Connection) -> int:
    """The schema version of the file; 0 when it is empty."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def create(connection: Connection) -> None:
    """Make the tables, within the caller's transaction."""
    for statement in _TABLES.split(";\n"):
        connection.execute(statement)
    try:
        connection.execute(_TEXT_INDEX[0])
    except OperationalError:  # an SQLite without FTS5 or trigrams: `has_text_index` tells, and LIKE is used
        pass
    else:
        for statement in _TEXT_INDEX[1:]:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION}")


def has_text_index(connection: Connection) -> bool:
    """Whether the history of this file has a full-text index."""
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'history_text'").fetchone()
    return found is not None
