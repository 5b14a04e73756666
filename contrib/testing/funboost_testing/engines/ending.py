"""Draining, crashing, being restarted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from time import monotonic
from typing import Any, Callable

from funboost_core import Capability, Environment
from funboost_core.native import sleep

from ..brokers.base import needs
from ..brokers.working import Notes
from .base import EngineSuite

_START = 30.0
"""Seconds that a process may take to start on a machine that has much else to do."""
_PROGRAM = """
import importlib, json, sys, time
from funboost_core import BoosterParams, Environment, boost, register_plugin

settings, plugins, options, log, seconds = json.loads(sys.argv[1])
environment = Environment(settings)
for name in plugins:
    register_plugin(importlib.import_module(name), environment)

@boost(BoosterParams(queue_name="q", broker_exclusive_config=options), environment=environment)
def work(x):
    with open(log, "a") as file:
        file.write("begin\\n")
    time.sleep(seconds)
    with open(log, "a") as file:
        file.write("end\\n")

work.consume()
environment.worker.wait(60)
"""


class EngineEndingTests(EngineSuite):
    """The end of a consumer, of its process, of the engine."""

    def test_stopping_lets_what_runs_end_and_starts_nothing(self, environment: Environment, notes: Notes) -> None:
        """And what was not started is run by who comes next."""
        begun = threading.Event()
        ended = []
        seconds = 0.3

        def slow(x: int) -> None:
            begun.set()
            notes.add(x)
            environment.clock.sleep(seconds)
            ended.append(x)

        task = self.task(environment, slow, qps=1)
        task.push_many([{"x": n} for n in range(30)])  # more than start until we look, however long that takes
        task.consume()
        assert begun.wait(self.patience), "nothing was run"
        stopped = environment.worker.stop(self.patience)
        started = list(notes.seen)
        assert stopped, f"after {self.patience} s the engine had not stopped"
        assert sorted(ended) == sorted(started), "stop() came back while a task was running"
        assert len(started) < 30, "everything was run, also what had not started at stop()"
        self.watch(lambda: notes.seen != started)
        assert notes.seen == started, "a task was started after stop()"
        seconds = 0.0
        task = self.task(environment, slow, queue_name="q")
        task.consume()
        notes.wait_for(30, self.patience)
        assert sorted(notes.seen) == list(range(30)), "a message was forgotten, or run twice, around a drain"

    def test_stopping_leaves_no_thread_behind(self, environment: Environment, notes: Notes) -> None:
        """Neither of ours nor of the engine."""
        before = set(threading.enumerate())
        task = self.task(environment, lambda x: notes.add(x))
        task.push(1)
        task.consume()
        notes.wait_for(1, self.patience)
        assert environment.worker.stop(self.patience), f"after {self.patience} s the engine had not stopped"
        task.close()

        def leaked() -> list[str]:
            threads = set(threading.enumerate()) - before
            return [t.name for t in threads if t.is_alive() and not t.name.startswith("funboost-drain")]

        self.eventually(f"all threads end, still there: {leaked()}", lambda: not leaked())

    def test_an_engine_that_ends_by_itself_is_served_again(
        self, environment: Environment, notes: Notes, monkeypatch: Any
    ) -> None:
        """Whether it raises, returns or would end the program."""
        task = self.task(environment, lambda x: notes.add(x))
        cls = type(task.publisher._broker)
        original = cls.serve
        endings: list[Any] = [ConnectionError("cut"), None, SystemExit(1)]

        def serve(self: Any, stop: Any) -> None:
            if endings:
                ending = endings.pop()
                if ending is not None:
                    raise ending
                return
            original(self, stop)

        monkeypatch.setattr(cls, "serve", serve)
        task.push(1)
        task.consume()
        assert notes.wait_for(1, self.patience) == [1]

    @needs(Capability.ACK, Capability.CROSS_PROCESS, Capability.PERSISTENT)
    def test_what_a_killed_process_ran_is_run_again(self, tmp_path: Path, environment: Environment) -> None:
        """By the next one that serves the queue."""
        log = tmp_path / "log"
        task = self.task(environment, lambda x: None)
        task.push(1)

        def start(seconds: float) -> subprocess.Popen[bytes]:
            given = [dict(self.given(tmp_path)), list(self.plugins), self.options, str(log), seconds]
            path = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
            return subprocess.Popen([sys.executable, "-c", _PROGRAM, json.dumps(given)], env=path)

        def lines() -> list[str]:
            return log.read_text().split() if log.exists() else []

        victim = start(600)
        try:
            self._in_time("the task begins", lambda: lines() == ["begin"])
        finally:
            victim.kill()
            victim.wait()
        heir = start(0)
        try:
            self._in_time("it is run again", lambda: "end" in lines())
        finally:
            heir.kill()
            heir.wait()
        assert lines() == ["begin", "begin", "end"]

    def _in_time(self, what: str, condition: Callable[[], bool]) -> None:
        """As `eventually`, but for what a process does that has yet to start."""
        end = monotonic() + _START + self.patience
        while not condition():
            assert monotonic() < end, f"within {_START + self.patience} s it did not happen that {what}"
            sleep(0.02)  # another process writes the log: there is nothing to wait on
