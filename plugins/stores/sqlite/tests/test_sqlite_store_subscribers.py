"""Waiting for replies in the SQLite file without a thread: few connections, one caretaker, nothing lost."""

from __future__ import annotations

from contextlib import contextmanager
from time import monotonic

import pytest
from funboost_store_sqlite import replies as replies_module
from funboost_store_sqlite.database import READERS, Database, StateFileError
from funboost_store_sqlite.store import SqliteState
from funboost_testing.calls import Call
from funboost_testing.clock import FakeClock
from funboost_testing.stores.replies import Heard

from funboost_core.environment import Environment
from funboost_core.native import sleep


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def opened(monkeypatch):
    """The connections that were made."""
    made, connect = [], Database.connect

    def note(database):
        made.append(connect(database))
        return made[-1]

    monkeypatch.setattr(Database, "connect", note)
    return made


@pytest.fixture
def open_store(tmp_path, clock):
    stores = []

    def open_store(at=clock):
        stores.append(SqliteState(f"sqlite:///{tmp_path}/state.sqlite3", Environment(clock=at)))
        return stores[-1]

    yield open_store
    for store in stores:
        store.close()


def advance_until(clock, condition):
    end = monotonic() + 45
    while not condition():
        assert monotonic() < end, "it did not come true in time"
        clock.advance(0.05)  # it may run far ahead of threads that get no processor: nothing may expire meanwhile
        sleep(0.001)


def test_ten_thousand_waits_on_a_handful_of_connections(open_store, opened, clock):
    store, heard = open_store(), Heard()
    names = [f"t{number:05}" for number in range(10_000)]
    calls = [Call(store.replies.get, name, 1e6) for name in names[:100]]
    store.replies.subscribe(names[100:], heard.tell)
    clock.until_waiting(100)
    assert len(opened) <= READERS + 2  # and who writes, and who watches
    other = open_store()
    with other._database.writing() as connection:
        rows = [(name, clock.time() + 1e6, name.encode()) for name in names]
        connection.executemany("INSERT INTO replies (task_id, expires, payload) VALUES (?, ?, ?)", rows)
    advance_until(clock, lambda: len(heard.told) == 9_900 and not any(call.running() for call in calls))
    assert heard.until(9_900) == [(name, name.encode()) for name in names[100:]]
    assert [call.result() for call in calls] == [name.encode() for name in names[:100]]


def test_subscribers_hear_what_comes_into_a_file_begun_anew(open_store, tmp_path, clock, monkeypatch):
    monkeypatch.setattr(replies_module, "TROUBLE", 0.01)
    store, heard, file = open_store(), Heard(), tmp_path / "state.sqlite3"
    store.replies.subscribe(["t"], heard.tell)
    for path in tmp_path.glob("state.sqlite3*"):
        path.unlink()
    advance_until(clock, file.exists)
    open_store().replies.put("t", b"1", 1e6)
    advance_until(clock, lambda: heard.told)
    assert heard.told == [("t", b"1")]


def test_a_subscription_that_fails_leaves_nothing_behind(open_store, monkeypatch):
    def fail(task_ids):
        raise StateFileError(path="there", error="full")

    store = open_store()
    monkeypatch.setattr(store.replies, "_find", fail)
    with pytest.raises(StateFileError, match="full"):
        store.replies.subscribe(["t"], Heard().tell)
    assert store.replies._subscribed == {}


def test_the_caretaker_ends_when_nobody_needs_it_and_comes_again(open_store, clock):
    store, heard = open_store(), Heard()
    for name in "ab":
        store.replies.subscribe([name], heard.tell)
        first = store.replies._thread
        assert first.is_alive()
        store.replies.put(name, b"1", 1e6)
        for _ in range(4000):
            if not first.is_alive():
                break
            clock.advance(replies_module.IDLE)
            first.join(0.01)
        assert not first.is_alive()
    assert heard.until(2) == [("a", b"1"), ("b", b"1")]


def test_closing_ends_the_caretaker(open_store):
    store = open_store()
    store.replies.subscribe(["t"], Heard().tell)
    thread = store.replies._thread
    store.close()
    assert not thread.is_alive()


def test_who_leaves_does_not_end_the_caretakers_look(open_store):
    store, other = open_store(), open_store()
    replies, reading = store.replies, store._database.reading
    replies._look()
    other.replies.put("t", b"1", 1e6)

    @contextmanager
    def late():
        with reading() as connection:
            yield connection
        replies._hand_over()  # the last one who waited leaves in the middle of the look

    store._database.reading = late
    replies._look()
    assert replies._seen == 1


def test_what_a_look_that_failed_had_seen_is_looked_for_again(open_store, clock):
    store, other = open_store(), open_store()
    calls = [Call(store.replies.get, "t", 1e6) for _ in range(2)]
    clock.until_waiting(2)
    reading, failures = store._database.reading, [StateFileError(path="there", error="no answer for once")]

    def once():
        if failures:
            raise failures.pop()
        return reading()

    store._database.reading = once
    other.replies.put("t", b"1", 1e6)
    advance_until(clock, lambda: not any(call.running() for call in calls))
    failed, heard = sorted(calls, key=lambda call: call._error is None)
    with pytest.raises(StateFileError, match="for once"):
        failed.result()
    assert heard.result() == b"1"
