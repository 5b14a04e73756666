"""Very many messages that wait, and every process killed; `tests/flows` tells it briefly, `tests/chaos` at length."""

from __future__ import annotations

import collections
import contextlib
import sqlite3
import subprocess
import time
from pathlib import Path
from typing import Any, Callable

from funboost_broker_sqlite_queue import location
from programs import Program

from funboost_core import Environment

HOUR = 3600
KINDS = ("SQLITE_PLAIN", "SQLITE_QUEUE")
HELD = 400
"""Most messages that a killed process has moved and not reported, or run and not acknowledged."""
TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB '*_[0-9]*'"
"""Those of messages; each row is one that is not acknowledged."""

COMMON = """
from funboost_core import BrokerSpec, Capability, Environment, hookimpl
from funboost_core.clock import Clock
from funboost_broker_sqlite_queue.plugin import funboost_brokers as sqlite

class Shifted(Clock):
    time = staticmethod(lambda: time.time() + int(sys.argv[2]))

class Plain:
    "The same broker, without a delay of its own."
    @hookimpl
    def funboost_brokers(self):
        (spec,) = sqlite()
        less = spec.capabilities & ~(Capability.DELAY | Capability.SECOND_QUEUE)
        return [BrokerSpec("SQLITE_PLAIN", spec.factory, less, options=spec.options)]

environment = Environment({"BROKER_KIND": sys.argv[1]}, clock=Shifted())
environment.manager.register(Plain())

@boost(BoosterParams(queue_name="q"), environment=environment)
def f(x):
    note("ran", x)
"""

PUBLISH = (
    COMMON
    + """
from funboost_core import TaskOptions

for x in range(int(sys.argv[3])):
    f.publish({"x": x}, options=TaskOptions(countdown=3600 if x % 2 else 7200))
"""
)
CONSUME = COMMON + "f.consume()\nnote('up', os.getpid())\n"


class Story:
    """The processes, by the hour in which they live."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.program = Program(folder)
        self.kind = kind
        self.started = 0
        self.killed = 0
        self._here = Environment({"STATE_URL": "sqlite://", "DATA_DIR": str(folder / "data")})
        self._file = location.database_path(self._here)

    def close(self) -> None:
        self.program.close()
        self._here.close()

    def consumers(self, hours: int, count: int = 2) -> list[subprocess.Popen[str]]:
        """Start consumers and wait until they consume."""
        before = len(self.lines("up"))
        args = (self.kind, str(hours * HOUR + hours))
        made = []
        for _ in range(count):  # a file for each: writing it again would empty it under who is just reading it
            self.started += 1
            made.append(self.program.start(CONSUME, f"consume{self.started}.py", args))
        self.wait(lambda: len(self.lines("up")) >= before + count)
        return made

    def kill(self, processes: list[subprocess.Popen[str]]) -> None:
        """SIGKILL, or what kills as hard."""
        for process in processes:
            process.kill()
            process.wait()
            self.killed += 1

    def lines(self, start: str) -> list[str]:
        return [line.partition(" ")[2] for line in self.program.log() if line.partition(" ")[0] == start]

    def runs(self, half: int) -> collections.Counter[int]:
        """How often each message of the half that is due in hour 1 or 2 has run."""
        return collections.Counter(x for x in map(int, self.lines("ran")) if x % 2 == half % 2)

    def waiting(self) -> tuple[int, int]:
        """Messages in the broker, those that are fetched and not acknowledged included, and parked."""
        parked = self._here.state.parking.count("q")  # first: from there they move to the broker
        with contextlib.closing(sqlite3.connect(self._file, timeout=60)) as connection:
            connection.execute("BEGIN")  # they move between tables, too
            tables = connection.execute(TABLES).fetchall()
            rows = [connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for (table,) in tables]
        return sum(rows), parked

    def wait(self, condition: Callable[[], bool], seconds: float = 240, pause: float = 0.1) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"it did not happen; {self.program.output()}"
            time.sleep(pause)


def parked(folder: Path, kind: str, count: int, kills: int) -> dict[str, Any]:
    """`count` messages wait, half for an hour and half for two; all processes die before, between and during."""
    story = Story(folder, kind)
    emulated = kind == "SQLITE_PLAIN"
    expected = (0, count) if emulated else (count, 0)
    try:
        publisher = story.program.start(PUBLISH, "publish.py", (kind, "0", str(count)))
        assert publisher.wait(240) == 0, story.program.output()

        begun = time.monotonic()
        for _ in range(kills if emulated else 1):  # while they are being parked
            victims = story.consumers(0)
            time.sleep(0.3 * count / 10_000)
            story.kill(victims)
        workers = story.consumers(0)
        story.wait(lambda: story.waiting() == expected)
        parking = time.monotonic() - begun
        assert story.lines("ran") == [], "nothing is due"
        story.kill(workers)
        assert story.waiting() == expected, "they wait in no worker's memory"

        begun = time.monotonic()
        workers = story.consumers(1)  # nobody is killed while these run
        story.wait(lambda: len(story.runs(1)) >= count // 2)
        moving = time.monotonic() - begun
        story.wait(lambda: sum(story.waiting()) == count // 2)
        assert set(story.runs(1).values()) == {1}, "each once"
        assert not story.runs(2)
        story.kill(workers)

        before = story.killed
        log = folder / "log"
        for _ in range(kills):  # while they are moved on and run
            size = log.stat().st_size
            victims = story.consumers(2)
            story.wait(lambda size=size: log.stat().st_size > size + 4000 or sum(story.waiting()) == 0, pause=0.002)
            story.kill(victims)
        story.consumers(2)
        story.wait(lambda: sum(story.waiting()) == 0)
        again = story.runs(2)
        twice = sum(again.values()) - len(again)
        assert len(again) == count // 2, "none is lost"
        assert twice <= (story.killed - before) * HELD
        assert set(story.runs(1).values()) == {1}
    finally:
        story.close()
    return {
        "messages": count,
        "kills": story.killed,
        "twice, of those moved under kills": twice,
        "parked a second, with kills and starts": round(count / parking),
        "moved and run a second, with the start": round(count / 2 / moving),
    }
