"""What killed programs ran, from their common log, and whether that is what may happen when one is killed.

Each line is ``what x pid time`` with the monotonic clock, which all processes of a machine share.
"""

from __future__ import annotations

import json
import random
import statistics
import time
from collections import Counter, defaultdict
from typing import Any, Callable, NamedTuple

from programs import Program, whole

BEAT = 0.2
"""BEAT_SECONDS of these programs."""
BATCH = 100
"""pull_msg_batch_size: so many acknowledgements may wait for the next fetch, while the maintenance thread has as many in
its hands; it waits for its turn at the file, and the fetches of others may come before it again and again."""
WINDOW = 0.005
"""Seconds after which the maintenance thread takes them."""
SLACK = 10
"""Beats of a process within which it has acknowledged what had ended; its own are counted, for a busy machine may stop
it for as long as it likes."""
TAKEOVER = 3
"""Beats of a survivor that may end after a death and not notice it: one had looked already; a server may hear of the next
one's question before it hears of the death, and of a last sign of life together with it; and at the one after, that sign
is not a beat old."""

MARKS = '''
import logging, signal, threading
from funboost_broker_sqlite_queue.broker import SqliteBroker as Broker

def mark(what, x="-"):
    note(what, x, os.getpid(), repr(time.monotonic()), threading.get_ident())

class Back(logging.Handler):
    def emit(self, record):
        if "is gone" in record.getMessage():
            mark("back")

logging.getLogger("funboost").addHandler(Back())

def tell(name, told):
    """After a method of the broker has returned, tell of it."""
    original = getattr(Broker, name)
    def method(self, *args):
        result = original(self, *args)
        told(result, *args)
        return result
    setattr(Broker, name, method)

def acked(result, deliveries, *args):
    if deliveries:
        mark("acked", ",".join(str(delivery.arguments["x"]) for delivery in deliveries))
    if result:
        mark("got", len(result))

tell("ack", acked)
tell("turn", acked)
tell("listen", lambda result: mark("up"))
tell("maintain", lambda result, *args: mark("beat"))
'''


class Event(NamedTuple):
    """One line."""

    what: str
    x: str
    pid: int
    time: float
    thread: int
    place: int  # in the log


class Log:
    """The lines so far; `read` gets the new ones."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._path = program.folder / "log"
        self._offset = 0
        self.events: list[Event] = []
        self.by_kind: dict[str, list[Event]] = defaultdict(list)

    def read(self) -> Log:
        """Take in what has been written."""
        if self._path.exists():
            with self._path.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
            ended = data[: data.rfind(b"\n") + 1]
            self._offset += len(ended)
            for line in whole(ended.decode()):
                what, x, pid, moment, thread = line.split(" ")
                event = Event(what, x, int(pid), float(moment), int(thread), len(self.events))
                self.events.append(event)
                self.by_kind[what].append(event)
        return self

    def find(self, what: str, pid: int | None = None) -> list[Event]:
        """The events of a kind, of one process or of all."""
        found = self.read().by_kind[what]
        return [event for event in found if event.pid == pid] if pid is not None else found

    def beats(self, pid: int, since: float, until: float) -> int:
        """How many beats of a process ended between two moments."""
        return sum(since < event.time < until for event in self.find("beat", pid))

    def wait(self, condition: Callable[[], Any], seconds: float = 50.0) -> Any:
        """What `condition` returns, once that is true."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = condition()
            if found:
                return found
            time.sleep(0.002)  # another process writes: there is nothing to wait on
        raise AssertionError(
            f"it did not come true in time; the log ends with {self.events[-20:]}; {self._program.output()}"
        )


class Run(NamedTuple):
    """One call of the function: who, from when, to when (None: it was killed), the how-manieth to end, from behind."""

    pid: int
    begin: Event
    end: Event | None
    later_ends: int  # of the same process


def runs_of(log: Log) -> dict[str, list[Run]]:
    """All runs of each message, in order."""
    ends: dict[tuple[int, str], list[Event]] = defaultdict(list)
    order: dict[int, list[int]] = defaultdict(list)
    for event in log.find("end"):
        ends[event.pid, event.x].append(event)
        order[event.pid].append(event.place)
    rank = {place: len(places) - 1 - n for places in order.values() for n, place in enumerate(places)}
    runs: dict[str, list[Run]] = defaultdict(list)
    for begin in log.find("begin"):
        found = ends[begin.pid, begin.x]
        end = found.pop(0) if found else None
        runs[begin.x].append(Run(begin.pid, begin, end, rank[end.place] if end is not None else -1))
    return runs


def audit(
    log: Log, pushed: set[str], kills: dict[int, float], threads: int, acks_at_once: bool = True
) -> dict[str, Any]:
    """Check what ran against what may run, and count.

    Nothing is lost.  What runs again was running when its process was killed, or had ended within one window of
    acknowledging before that: `WINDOW` seconds, or as many messages as two fetches and all threads hold, within `SLACK`
    beats; or it was one of those that the maintenance thread was about to acknowledge, a batch at most.  Nothing that had
    been acknowledged runs again, and nothing before the first run's process was killed.  Where acknowledgements are sent
    in the background (no `acks_at_once`) nobody can tell which the server had heard of.
    """
    runs = runs_of(log)
    assert runs.keys() <= pushed
    lost = {x for x in pushed if not any(run.end for run in runs.get(x, ()))}
    assert not lost, f"lost: {sorted(lost)[:20]}"
    running, ended, ages, places = 0, 0, [0.0], [0]
    stopped: Counter[int] = Counter()
    in_hand: Counter[int] = Counter()
    last = {(event.pid, event.thread): event.place for event in log.events}
    for x, each in runs.items():
        for first, second in zip(each, each[1:]):
            assert first.pid in kills, f"{x} ran twice and nobody was killed: {each}"
            assert second.begin.time > kills[first.pid], f"{x} ran again before its process was killed: {each}"
            if first.end is None:
                running += 1
                continue
            age = kills[first.pid] - first.end.time
            beats = log.beats(first.pid, first.end.time, kills[first.pid])
            about = f"{x} had ended {age} s, {beats} beats and {first.later_ends} ends before the kill: {each}"
            if age > WINDOW and beats > SLACK:
                # the system may have stopped one thread between the end and the acknowledgement: it does no more
                stopped[first.pid] += 1
                still = last[first.pid, first.end.thread] == first.end.place
                assert still and stopped[first.pid] == 1 and beats <= 5 * SLACK, about
            elif age > WINDOW and first.later_ends >= 2 * BATCH + threads:
                in_hand[first.pid] += 1
                assert in_hand[first.pid] <= BATCH + threads, about
            ended += 1
            ages.append(age)
            places.append(first.later_ends + 1)
        assert each[-1].end is not None or each[-1].pid in kills
    told = {
        "lost": 0,
        "twice, was running": running,
        "twice, had ended": ended,
        "oldest of those, ms before the kill": round(max(ages) * 1000, 1),
        "and the how-manieth last": max(places),
    }
    if not acks_at_once:
        return {"messages": len(pushed), "kills": len(kills), **told}
    last = {x: each[-1].begin.place for x, each in runs.items()}
    again = {x for event in log.find("acked") for x in event.x.split(",") if last.get(x, -1) > event.place}
    assert not again, f"acknowledged and run again: {sorted(again)[:20]}"
    got = sum(int(event.x) for event in log.find("got") if event.pid in kills)
    begun = sum(event.pid in kills for event in log.find("begin"))
    return {
        "messages": len(pushed),
        "kills": len(kills),
        "fetched by the killed": got,
        "of them not begun": got - begun,
        "acknowledged and run again": 0,
        **told,
    }


def in_beats(delays: list[float], beats: list[int]) -> dict[str, float]:
    """Median and greatest of some seconds, in beats, and how many had ended meanwhile."""
    return {
        "takeover, beats that noticed nothing": max(beats),
        "takeover, beats, median": round(statistics.median(delays) / BEAT, 2),
        "takeover, beats, greatest": round(max(delays) / BEAT, 2),
    }


def report(name: str, numbers: dict[str, Any]) -> None:
    """Print the numbers of a story (seen with ``pytest -s`` or ``-rP``)."""
    print(json.dumps({"story": name, **numbers}))


def dice(seed: Any) -> random.Random:
    """Random moments, the same in each run."""
    return random.Random(str(seed))
