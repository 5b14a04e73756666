"""The tables, and their version."""

from __future__ import annotations

from sqlite3 import Connection

from . import text_index

VERSION = 2

_TABLES = """
CREATE TABLE replies (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice: readers ask for what came after the last they saw
    task_id TEXT NOT NULL UNIQUE, expires REAL NOT NULL, payload BLOB NOT NULL);
CREATE INDEX replies_expires ON replies (expires);

CREATE TABLE history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice: the text of all up to some id is in the index
    task_id TEXT NOT NULL UNIQUE, queue TEXT NOT NULL, success INTEGER,  -- NULL: another run follows
    time_start REAL, expires REAL NOT NULL, searched TEXT NOT NULL, record BLOB NOT NULL);
CREATE INDEX history_queue ON history (queue, time_start, success);
CREATE INDEX history_time ON history (time_start, success);
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


def version_of(connection: Connection) -> int:
    """The schema version of the file; 0 when it is empty."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def create(connection: Connection) -> None:
    """Make the tables, within the caller's transaction."""
    for statement in _TABLES.split(";\n"):
        connection.execute(statement)
    text_index.create(connection)
    connection.execute(f"PRAGMA user_version = {VERSION}")
