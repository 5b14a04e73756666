"""The SQLite store between processes: atomic under contention, and after one was killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from funboost_store_sqlite import store as store_module
from funboost_store_sqlite.store import SqliteState
from funboost_testing.clock import FakeClock
from funboost_testing.stores.base import Call

from funboost_core.environment import Environment
from funboost_core.ports.store import Parked

SCRIPT = Path(__file__).with_name("sqlite_state_process.py")


class Process:
    """One run of the script."""

    def __init__(self, path, name, operation):
        self.popen = subprocess.Popen(
            [sys.executable, str(SCRIPT), str(path), name, operation],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )

    def read(self):
        line = self.popen.stdout.readline()
        assert line, "the process has died"
        return json.loads(line)

    def write(self, line):
        self.popen.stdin.write(line + "\n")
        self.popen.stdin.flush()

    def kill(self):
        self.popen.kill()
        self.popen.wait(30)
        self.popen.stdin.close()
        self.popen.stdout.close()


@pytest.fixture
def start(tmp_path):
    """Starts processes at the test's file, which are told to go once all of them are ready."""
    processes = []

    def start(*operations):
        new = [Process(tmp_path / "state.sqlite3", f"p{i}", operation) for i, operation in enumerate(operations)]
        processes.extend(new)
        assert [process.read() for process in new] == ["ready"] * len(new)
        for process in new:
            process.write("go")
        return new

    yield start
    for process in processes:
        process.kill()


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def store(tmp_path, clock):
    store = SqliteState(f"sqlite:///{tmp_path}/state.sqlite3", Environment(clock=clock))
    yield store
    store.close()


def test_four_processes_at_once(store, clock, start):
    store.parking.park([Parked(f"m{i}", "q", b"x", clock.time()) for i in range(1000)])
    results = [process.read() for process in start(*["contend"] * 4)]
    assert sorted(i for result in results for i in result["won"]) == list(range(200))
    dues = sorted(due for result in results for due in result["dues"])
    assert dues == pytest.approx([0.5 * i for i in range(4 * 200 * 4)])
    assert max(result["counted"] for result in results) == store.coordinator.add("q", {"ran": 0})["ran"] == 800
    moved = sorted(id for result in results for id in result["moved"])
    assert moved == sorted(f"m{i}" for i in range(1000))
    assert store.parking.count("q") == 0
    assert all(store.replies.get(f"p{p}:{i}", 0) == b"1" for p in range(4) for i in range(200))
    assert len(store.history.search(text="p2", limit=1000)) == 200
    assert store.coordinator.members("q") == {f"p{p}": {"i": 199} for p in range(4)}


def test_what_a_killed_process_had_claimed_comes_back(store, clock, start):
    store.parking.park([Parked("m", "q", b"x", clock.time())])
    (process,) = start("hold")
    assert process.read() == ["m"]
    process.kill()
    assert store.filter.claim("s", "k", "me", 60) == "p0"
    assert store.parking.claim("q", 10, 60) == []
    clock.advance(61)
    assert store.filter.claim("s", "k", "me", 60) is None
    assert [message.id for message in store.parking.claim("q", 10, 60)] == ["m"]


def test_a_process_killed_while_writing_leaves_no_lock_and_no_half_of_it(store, start):
    (process,) = start("write_halfway")
    assert process.read() == "written"
    blocked = Call(store.coordinator.add, "q", {"mine": 1})
    assert blocked.running(0.05)
    process.kill()
    assert blocked.result() == {"mine": 1}
    assert store.coordinator.add("q", {"half": 0}) == {"half": 0}


def test_everything_is_there_after_a_restart(tmp_path, clock, start):
    (process,) = start("fill")
    process.read()
    process.kill()
    store = SqliteState(f"sqlite:///{tmp_path}/state.sqlite3", Environment(clock=clock))
    assert store.replies.get("t", 0) == b"reply"
    assert [run["_id"] for run in store.history.search(text="kept")] == ["t"]
    assert store.filter.claim("s", "k", "me", 60) == "done"
    assert store.parking.claim("q", 1, 60) == [Parked("t", "q", b"body", 1.0, "why")]
    assert store.coordinator.flags("q") == {"pause": "1"}
    assert store.coordinator.add("q", {"n": 0}) == {"n": 7}
    store.close()


def test_replies_of_another_process_reach_those_who_wait(tmp_path, start):
    store = SqliteState(f"sqlite:///{tmp_path}/state.sqlite3", Environment())
    (process,) = start("reply")
    calls = [Call(store.replies.get, f"t{i}", 60) for i in range(30)]
    for i in reversed(range(30)):
        process.write(f"t{i}")
        assert calls[i].result() == b"answer to t%d" % i
    store.close()


@pytest.fixture
def fork():
    """Runs a function in a forked child; what that returns waits for its end, and for its having been fine."""
    children = []

    def fork(function):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                function()
                code = 0
            finally:
                os._exit(code)
        children.append(child)

        def wait():
            children.remove(child)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

        return wait

    yield fork
    for child in children:
        os.kill(child, 9)
        os.waitpid(child, 0)


forks = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]


class TestFork:
    pytestmark = forks

    def test_parent_and_child_use_the_file_on_their_own(self, store, fork):
        store.coordinator.add("q", {"n": 1})

        def child():
            store.replies.put("from child", b"1", 60)
            assert store.coordinator.add("q", {"n": 1}) == {"n": 2}

        fork(child)()
        assert store.replies.get("from child", 0) == b"1"
        assert store.coordinator.add("q", {"n": 1}) == {"n": 3}

    def test_the_child_keeps_what_it_writes_when_the_parent_closes(self, tmp_path, store, clock, fork):
        """The last one who closes removes the write-ahead log: the parent must see that the child is there."""
        store.coordinator.add("q", {"n": 1})
        (told, tell), (heard, answer) = os.pipe(), os.pipe()

        def child():
            store.coordinator.add("q", {"n": 1})
            os.write(answer, b"x")
            os.read(told, 1)
            for _ in range(100):
                store.coordinator.add("q", {"n": 1})

        wait = fork(child)
        os.read(heard, 1)
        store.close()
        os.write(tell, b"x")
        wait()
        again = SqliteState(f"sqlite:///{tmp_path}/state.sqlite3", Environment(clock=clock))
        assert again.coordinator.add("q", {"n": 0}) == {"n": 102}
        with again._database.reading() as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        again.close()
        for pipe in (told, tell, heard, answer):
            os.close(pipe)

    def test_forking_while_other_threads_write_read_and_wait(self, store, clock, fork):
        waiting = Call(store.replies.get, "t", 1000)
        clock.until_waiting(1)
        stop = []

        def work():
            while not stop:
                store.coordinator.add("q", {"mine": 1})
                store.coordinator.flags("q")

        calls = [Call(work) for _ in range(3)]
        for wait in [fork(lambda: [store.coordinator.add("q", {"child": 1}) for _ in range(20)]) for _ in range(10)]:
            wait()
        stop.append(True)
        for call in calls:
            call.result()
        assert store.coordinator.add("q", {"child": 0}) == {"child": 200}
        store.replies.put("t", b"1", 60)
        assert waiting.result() == b"1"

    def test_two_threads_may_fork_at_the_same_time(self, store, monkeypatch):
        hold, forks, begun = SqliteState._hold, [], []

        def fork_and_go_on():
            store_module._before_fork()
            store_module._after_in_parent()

        def holding(state):
            if not begun:
                begun.append(True)
                forks.append(Call(fork_and_go_on))
                assert forks[0].running(0.5)
            hold(state)

        monkeypatch.setattr(SqliteState, "_hold", holding)
        Call(fork_and_go_on).result()
        forks[0].result()

    def test_a_fork_knows_of_a_file_that_is_being_opened(self, tmp_path, clock, monkeypatch):
        opening, known = store_module.Database.open, []

        def note(database):
            known.extend(state for state in store_module._open if state._database is database)
            opening(database)

        monkeypatch.setattr(store_module.Database, "open", note)
        store = SqliteState(f"sqlite:///{tmp_path}/other.sqlite3", Environment(clock=clock))
        store.close()
        assert known == [store]
