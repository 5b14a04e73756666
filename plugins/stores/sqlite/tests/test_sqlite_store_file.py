"""The SQLite store's file: where it is, what may be wrong with it, and that it does not grow."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from funboost_store_sqlite import database, text_index
from funboost_store_sqlite.database import StateFileError
from funboost_store_sqlite.store import SqliteState, path_of
from funboost_testing.clock import FakeClock
from funboost_testing.stores.base import Call
from funboost_testing.stores.history import record

from funboost_core.environment import Environment
from funboost_core.errors import ConfigError
from funboost_core.ports.store import Record


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.sqlite3"


@pytest.fixture
def store(path, clock):
    store = SqliteState(f"sqlite:///{path}", Environment(clock=clock))
    yield store
    store.close()


def test_urls(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    environment = Environment({"DATA_DIR": str(tmp_path / "data")})
    assert path_of("sqlite://", environment) == tmp_path / "data" / "state.sqlite3"
    assert path_of("sqlite:///", environment) == tmp_path / "data" / "state.sqlite3"
    assert path_of("sqlite:///runs/a%20b.sqlite3", environment) == tmp_path / "runs" / "a b.sqlite3"
    assert path_of("sqlite:////var/lib/s.sqlite3", environment) == Path("/var/lib/s.sqlite3")
    for wrong in ("sqlite://host/file", "sqlite:///file?mode=ro"):
        with pytest.raises(ConfigError, match="sqlite:////absolute"):
            path_of(wrong, environment)


def test_missing_folders_are_made(tmp_path):
    store = SqliteState(f"sqlite:///{tmp_path}/a/b/state.sqlite3", Environment())
    store.close()
    assert (tmp_path / "a" / "b" / "state.sqlite3").exists()


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"file/state\.sqlite3 cannot be used: .*Set STATE_URL"):
        SqliteState(f"sqlite:///{tmp_path}/file/state.sqlite3", Environment())
    (tmp_path / "folder.sqlite3").mkdir()
    with pytest.raises(ConfigError, match=r"folder\.sqlite3 cannot be used: unable to open"):
        SqliteState(f"sqlite:///{tmp_path}/folder.sqlite3", Environment())


def test_a_file_that_is_no_database(path):
    path.write_bytes(b"this is text, and long enough to be looked at" * 100)
    with pytest.raises(ConfigError, match=r"state\.sqlite3 cannot be used: file is not a database.*move it away"):
        SqliteState(f"sqlite:///{path}", Environment())


def test_a_file_of_a_newer_version(path, store):
    store.close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(ConfigError, match="version 99"):
        SqliteState(f"sqlite:///{path}", Environment())


def test_a_file_damaged_while_in_use_is_named(path, store):
    store.history.save([Record.of(record(f"t{i}", params_str="x" * 3000)) for i in range(100)], 100)
    store.close()
    reopened = SqliteState(f"sqlite:///{path}", Environment())
    assert reopened.replies.get("t", 0) is None
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))
    with pytest.raises(StateFileError, match=r"state\.sqlite3 failed: .*malformed"):
        reopened.replies.put("t", b"1", 100)
    reopened.close()


def delete(path):
    for file in path.parent.glob("state.sqlite3*"):
        file.unlink()


def test_a_deleted_file_is_reported_once_and_begun_anew(path, store):
    store.coordinator.add("q", {"n": 1})
    delete(path)
    with pytest.raises(StateFileError, match=r"state\.sqlite3 failed: it was deleted"):
        store.coordinator.add("q", {"n": 1})
    assert store.coordinator.add("q", {"n": 1}) == {"n": 1}
    assert path.exists()


def test_who_waits_learns_that_the_file_was_deleted(path, store, clock):
    for i in range(5):
        store.replies.put(f"old{i}", b"1", 100)
    call = Call(store.replies.get, "t", 1000)
    clock.until_waiting(1)
    delete(path)
    clock.advance(1)
    with pytest.raises(StateFileError, match="deleted"):
        call.result()


def test_who_waits_finds_replies_in_a_file_begun_anew(path, store, clock):
    for i in range(5):
        store.replies.put(f"old{i}", b"1", 100)
    call = Call(store.replies.get, "t", 1e6)
    clock.until_waiting(1)
    delete(path)
    with pytest.raises(StateFileError, match="deleted"):
        store.replies.put("t", b"1", 100)
    other = SqliteState(f"sqlite:///{path}", Environment(clock=clock))
    other.replies.put("t", b"2", 1e6)
    store.filter.clear("any")
    while call.running(0.001):
        clock.advance(0.01)
    assert call.result() == b"2"
    other.close()


def test_a_lock_that_is_never_given_back_is_reported_with_the_file(path, store, monkeypatch):
    monkeypatch.setattr(database, "PATIENCE", 0.0)
    hog = sqlite3.connect(path, isolation_level=None)
    hog.execute("BEGIN IMMEDIATE")
    with pytest.raises(StateFileError, match=r"state\.sqlite3 failed: database is locked"):
        store.coordinator.add("q", {"n": 1})
    hog.execute("ROLLBACK")
    hog.close()
    assert store.coordinator.add("q", {"n": 1}) == {"n": 1}


def test_close_ends_the_waiting_and_later_calls_say_so(store, clock):
    calls = [Call(store.replies.get, f"t{i}", 1000) for i in range(3)]
    clock.until_waiting(3)
    store.close()
    assert [call.result() for call in calls] == [None] * 3
    store.close()
    for use in (lambda: store.replies.get("t", 0), lambda: store.replies.put("t", b"", 1)):
        with pytest.raises(StateFileError, match="closed"):
            use()


def test_a_failed_write_is_rolled_back(store):
    def fail():
        with store._database.writing() as connection:
            connection.execute("INSERT INTO counters VALUES ('q', 'n', 5)")
            raise RuntimeError("in between")

    with pytest.raises(RuntimeError, match="in between"):
        fail()
    assert store.coordinator.add("q", {"n": 0}) == {"n": 0}


def found(store, text):
    return [run["_id"] for run in store.history.search(text=text)]


def indexed(path, text):
    """How many rows the index itself knows; fails where it and the rows do not fit together."""
    connection = sqlite3.connect(path)
    try:
        (upto,) = connection.execute("SELECT upto FROM history_indexed").fetchone()
        if upto >= connection.execute("SELECT max(id) FROM history").fetchone()[0]:
            connection.execute("INSERT INTO history_text (history_text, rank) VALUES ('integrity-check', 1)")
        query = "SELECT count(*) FROM history_text WHERE searched LIKE ?"
        return connection.execute(query, (f"%{text}%",)).fetchone()[0]
    finally:
        connection.close()


def save(store, *texts, start=0, ttl=100):
    store.history.save([Record.of(record(f"t{i}", params_str=text)) for i, text in enumerate(texts, start)], ttl)


def test_without_full_text_index_the_search_finds_the_same(path, clock, monkeypatch):
    monkeypatch.setattr(text_index, "_TABLE", "CREATE VIRTUAL TABLE history_text USING no_such_module(x)")
    monkeypatch.setattr(text_index, "TAIL", 1)
    store = SqliteState(f"sqlite:///{path}", Environment(clock=clock))
    save(store, "Some Text", "other")
    assert found(store, "me te") == ["t0"]
    store.close()


def test_texts_are_found_before_and_after_they_are_in_the_index(path, store, monkeypatch):
    monkeypatch.setattr(text_index, "TAIL", 3)
    save(store, "some text", "some other")
    assert (found(store, "me text"), indexed(path, "me text")) == (["t0"], 0)
    save(store, "some text", start=2)
    assert indexed(path, "some") == 3
    save(store, "some text", start=3)
    assert sorted(found(store, "me text")) == ["t0", "t2", "t3"]
    assert indexed(path, "me text") == 2


def test_the_index_is_extended_by_so_many_rows_in_one_transaction(path, store, monkeypatch):
    monkeypatch.setattr(text_index, "TAIL", 3)
    extend, before = text_index.extend, []

    def counted(connection):
        before.append(indexed(path, "text"))  # what others see meanwhile
        extend(connection)

    monkeypatch.setattr(text_index, "extend", counted)
    save(store, *["text"] * 10)
    assert (before, indexed(path, "text")) == ([0, 3, 6], 9)
    assert len(found(store, "text")) == 10


def test_records_that_are_replaced_or_deleted_leave_the_index(path, store, clock, monkeypatch):
    monkeypatch.setattr(text_index, "TAIL", 3)
    save(store, "first text", "second text", "third text", ttl=10)
    save(store, "changed")
    assert (found(store, "first"), indexed(path, "first")) == ([], 0)
    assert (found(store, "changed"), indexed(path, "changed")) == (["t0"], 1)
    save(store, "fourth text", start=3)
    save(store, "changed too", start=3)
    assert (found(store, "fourth"), sorted(found(store, "changed"))) == ([], ["t0", "t3"])
    clock.advance(11)
    assert store.history.prune() == 2
    assert indexed(path, "text") == 0
    clock.advance(100)
    assert store.history.prune() == 2
    save(store, "after", "all", "was deleted")  # ids go on: else these would pass for rows that are in the index
    assert found(store, "after") == ["t0"]
    assert indexed(path, "after") == 1


def test_a_crash_between_row_and_index_loses_nothing(path, store, monkeypatch):
    monkeypatch.setattr(text_index, "TAIL", 3)
    monkeypatch.setattr(text_index, "extend", lambda connection: connection.execute("no such statement"))
    with pytest.raises(StateFileError, match="no such statement|syntax error"):
        save(store, "one text", "two text", "three text")
    assert len(found(store, "text")) == 3
    monkeypatch.undo()
    monkeypatch.setattr(text_index, "TAIL", 3)
    save(store, "four text", start=3)
    assert (len(found(store, "text")), indexed(path, "text")) == (4, 3)


def rows(path, table):
    connection = sqlite3.connect(path)
    try:
        return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    finally:
        connection.close()


def test_expired_rows_leave_the_file_without_being_asked_for(path, store, clock):
    for i in range(1200):
        store.replies.put(f"t{i}", b"x", 10)
    store.history.save([Record.of(record(f"t{i}")) for i in range(1200)], 10)
    for i in range(50):
        store.filter.claim("s", str(i), "t", 10)
        store.coordinator.beat("q", str(i), {}, 10)
        store.coordinator.set_flag("q", str(i), "1", 10)
    clock.advance(11)
    for _ in range(3):  # at most 500 a write
        store.replies.put("t", b"x", 10)
        store.history.save([Record.of(record("t"))], 10)
    store.filter.claim("s", "t", "t", 10)
    store.coordinator.beat("q", "t", {}, 10)
    store.coordinator.set_flag("q", "t", "1", 10)
    assert {
        table: rows(path, table) for table in ("replies", "history", "claims", "members", "flags")
    } == dict.fromkeys(("replies", "history", "claims", "members", "flags"), 1)


def test_setting_the_wall_clock_does_not_stop_a_schedule(store, clock):
    assert store.coordinator.reserve("q", 100, 5, 1000) == (0, 5)
    clock._start -= 3600 * 10**9
    assert store.coordinator.reserve("q", 100, 1, 1000) == (0, 1)
    assert store.coordinator.reserve("q", 100, 1, 1000) == (pytest.approx(100), 1)
