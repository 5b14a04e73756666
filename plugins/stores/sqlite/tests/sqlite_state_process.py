"""Another process at the same state file: ``python sqlite_state_process.py FILE NAME OPERATION``.

Its clock stands still at the start of every `FakeClock`, except for `reply`.  It says "ready", waits for a line, works, prints its result
as JSON and waits for the end of its input.
"""

from __future__ import annotations

import json
import sys

from funboost_store_sqlite.store import SqliteState
from funboost_testing.clock import FakeClock

from funboost_core.environment import Environment
from funboost_core.ports.store import Parked, Record


def contend(store, name):
    """What four processes do at once."""
    won, dues, moved = [], [], []
    for i in range(200):
        if store.filter.claim("s", str(i), name, 60) is None:
            won.append(i)
        first, n = store.coordinator.reserve("q", 0.5, 4, 100)
        dues += [first + 0.5 * k for k in range(n)]
        counted = store.coordinator.add("q", {"ran": 1})["ran"]
        store.replies.put(f"{name}:{i}", b"1", 60)
        store.history.save([Record.of({"_id": f"{name}:{i}", "queue_name": "q", "params_str": name})], 60)
        store.coordinator.beat("q", name, {"i": i}, 60)
        claimed = store.parking.claim("q", 3, 60)
        moved += [message.id for message in claimed]
        store.parking.done(claimed)
    return {"won": won, "dues": dues, "moved": moved, "counted": counted}


def hold(store, name):
    """Claim, to be killed afterwards."""
    store.filter.claim("s", "k", name, 60)
    return [message.id for message in store.parking.claim("q", 10, 60)]


def write_halfway(store, name):
    """Be killed in the middle of a transaction."""
    with store._database.writing() as connection:
        connection.execute("INSERT INTO counters VALUES ('q', 'half', 1)")
        report("written")
        sys.stdin.readline()


def fill(store, name):
    """Leave something of everything behind."""
    store.replies.put("t", b"reply", 60)
    store.history.save([Record.of({"_id": "t", "queue_name": "q", "params_str": "kept text"})], 60)
    store.filter.keep("s", "k", None)
    store.parking.park([Parked("t", "q", b"body", 1.0, "why")])
    store.coordinator.set_flag("q", "pause", "1")
    store.coordinator.add("q", {"n": 7})


def reply(store, name):
    """Answer one call after the other, as its line comes in."""
    for line in sys.stdin:
        store.replies.put(line.strip(), b"answer to " + line.strip().encode(), 60)


def report(value):
    print(json.dumps(value), flush=True)


def main(path, name, operation):
    environment = Environment() if operation == "reply" else Environment(clock=FakeClock())
    store = SqliteState(f"sqlite:///{path}", environment)
    report("ready")
    sys.stdin.readline()
    report(globals()[operation](store, name))
    sys.stdin.read()
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
