"""Wrong settings, full disks, files that vanish."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from funboost_broker_sqlite_queue import link
from funboost_broker_sqlite_queue.location import database_path

from funboost_core.environment import Environment
from funboost_core.errors import BrokerUnavailable, ConfigError
from funboost_core.ports.broker import Outgoing


@pytest.fixture
def count_elsewhere(tmp_path):
    """How many messages another process sees."""

    def run():
        done = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("sqlite_queue_child.py")), "count", str(tmp_path)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            timeout=50,
        )
        assert done.returncode == 0, done.stderr
        return int(done.stdout)

    return run


def bodies(deliveries):
    return [delivery.body for delivery in deliveries]


def test_where_the_file_is(tmp_path):
    def path(value):
        return database_path(Environment({"DATA_DIR": str(tmp_path / "data"), "SQLITE_QUEUE_PATH": value}))

    assert path(None) == tmp_path / "data" / "queues.sqlite3"
    assert path(str(tmp_path)) == tmp_path / "queues.sqlite3"
    assert path(str(tmp_path / "new")) == tmp_path / "new" / "queues.sqlite3"
    assert path(tmp_path / "deep" / "er" / "my.db") == tmp_path / "deep" / "er" / "my.db"
    (tmp_path / "plain").write_bytes(b"")
    assert path(str(tmp_path / "plain")) == tmp_path / "plain"


@pytest.mark.parametrize(
    "value", ["taken/queues.sqlite3", "taken/sub/folder", ":memory:", "file:x?mode=memory", "a\0b"]
)
def test_places_that_can_never_work(make, tmp_path, value):
    (tmp_path / "taken").write_text("a file")
    given = value if value.startswith((":", "file:")) else f"{tmp_path}/{value}"
    with pytest.raises(ConfigError, match="SQLITE_QUEUE_PATH"):
        make(settings={"SQLITE_QUEUE_PATH": given})


def test_data_dir_below_a_file(make, tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(ConfigError, match="DATA_DIR"):
        make(settings={"DATA_DIR": str(tmp_path / "taken" / "sub")})


def test_file_that_is_no_database(make, tmp_path):
    (tmp_path / "notes.txt").write_bytes(b"not a database at all " * 100)
    with pytest.raises(ConfigError, match="not a database"):
        make(settings={"SQLITE_QUEUE_PATH": str(tmp_path / "notes.txt")})
    assert (tmp_path / "notes.txt").read_bytes() == b"not a database at all " * 100


def test_database_of_another_program(make, tmp_path):
    path = tmp_path / "other.db"
    other = sqlite3.connect(str(path))
    other.execute("CREATE TABLE queues(x)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="another program"):
        make(settings={"SQLITE_QUEUE_PATH": str(path)})
    assert path.read_bytes() == before


def test_database_of_another_version(make):
    broker = make()
    with broker._attached.lock:
        broker._attached.link.writer.execute("PRAGMA user_version = 99")
    broker.close()
    with pytest.raises(ConfigError, match="format 99"):
        make()


def limit_pages(broker, extra=0):
    """A disk that is full, as SQLite reports it."""
    with broker._attached.lock:
        writer = broker._attached.ready().writer
    pages = writer.execute("PRAGMA page_count").fetchall()[0][0]
    writer.execute(f"PRAGMA max_page_count = {pages + extra}")


def test_full_disk_loses_nothing_and_passes(make):
    broker = make()
    broker.publish([Outgoing(b"before")])
    for publish in ([Outgoing(b"x" * 9000)], [Outgoing(b"y"), Outgoing(b"x" * 9000)]):
        limit_pages(broker)
        with pytest.raises(BrokerUnavailable, match="full"):
            broker.publish(publish)
    broker.publish([Outgoing(b"after")])
    assert bodies(broker.fetch(10, 0)) == [b"before", b"after"]


def test_failed_settlement_can_be_repeated(make, monkeypatch):
    broker = make()
    broker.publish([Outgoing(b"%d" % i) for i in range(4)])
    held = broker.fetch(4, 0)
    limit_pages(broker)
    with pytest.raises(BrokerUnavailable):
        broker.forward(held[0], Outgoing(b"x" * 9000), "elsewhere")
    broker.forward(held[0], Outgoing(b"moved"), "elsewhere")
    broker.ack(held)
    assert bodies(make("elsewhere").fetch(9, 0)) == [b"moved"]
    broker.close()
    assert make().fetch(9, 0) == []


def delete(path):
    for name in (path, f"{path}-wal", f"{path}-shm"):
        type(path)(name).unlink()


@pytest.mark.skipif(os.name == "nt", reason="open files cannot be deleted there")
def test_deleted_file_is_made_anew(make):
    broker, watcher = make(), make()
    broker.publish([Outgoing(b"old"), Outgoing(b"old too")])
    held = broker.fetch(1, 0)
    delete(broker._attached.path)
    broker.publish([Outgoing(b"new")])
    assert watcher.count() == 1
    broker.ack(held)
    broker.requeue(held)
    assert bodies(watcher.fetch(10, 0)) == [b"new"], "the old message's id hit no new one"
    broker.maintain()
    assert broker.fetch(10, 0) == []
    watcher.close()
    assert [(d.body, d.attempts) for d in broker.fetch(10, 0)] == [(b"new", 1)]


@pytest.mark.skipif(os.name == "nt", reason="open files cannot be deleted there")
def test_deleted_file_wakes_who_waits(make, hand_clock):
    consumer, publisher = make(clock=hand_clock), make(listen=False)
    result = []
    thread = threading.Thread(target=lambda: result.extend(consumer.fetch(1, 60)), daemon=True)
    thread.start()
    assert hand_clock.asleep.wait(30)
    delete(publisher._attached.path)
    publisher.publish([Outgoing(b"x")])
    thread.join(20)
    assert bodies(result) == [b"x"]


@pytest.mark.skipif(os.name == "nt", reason="open files cannot be deleted there")
def test_a_file_made_anew_between_the_deletion_of_its_parts(make, count_elsewhere):
    """What is written to a log that was deleted would be hidden from other processes."""
    broker = make()
    path = broker._attached.path
    path.unlink()
    assert broker.fetch(1, 0.001) == ()
    for name in (f"{path}-wal", f"{path}-shm"):
        type(path)(name).unlink()
    broker.publish([Outgoing(b"a")])
    broker.maintain()
    broker.publish([Outgoing(b"b")])
    assert count_elsewhere() == 2
    assert broker.count() == 2


@pytest.mark.skipif(os.name == "nt", reason="open files cannot be deleted there")
def test_replaced_by_garbage_and_put_right(make):
    broker = make()
    path = broker._attached.path
    delete(path)
    path.write_bytes(b"garbage " * 1000)
    with pytest.raises(BrokerUnavailable, match="not a database"):
        broker.publish([Outgoing(b"x")])
    with pytest.raises(BrokerUnavailable, match="not a database"):
        broker.fetch(1, 1)
    path.unlink()
    broker.publish([Outgoing(b"x")])
    assert bodies(broker.fetch(1, 0)) == [b"x"]


def test_another_program_holds_the_write_lock(make, monkeypatch):
    broker = make()
    path = str(broker._attached.path)
    broker.close()
    monkeypatch.setattr(link, "PATIENCE", 0.05)
    broker = make()
    tool = sqlite3.connect(path, isolation_level=None)
    tool.execute("BEGIN IMMEDIATE")
    for publish in ([Outgoing(b"a")], [Outgoing(b"a"), Outgoing(b"b")]):
        with pytest.raises(BrokerUnavailable, match="locked"):
            broker.publish(publish)
    with pytest.raises(BrokerUnavailable, match="locked"):
        broker.fetch(1, 0)
    assert broker.count() == 0, "reading goes on"
    tool.execute("COMMIT")
    tool.close()
    broker.publish([Outgoing(b"c")])
    assert bodies(broker.fetch(9, 0)) == [b"c"]
