"""What keeping the history costs: messages a second with and without it, in turns.

    python tests/bench/history_cost.py --rounds 5

Each figure is a program of its own: 50 threads, queue and state in SQLite files, tasks that sleep or compute, or do
nothing at all.  The order of the programs changes with each round.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any

from funboost_core import BoosterParams, Environment, HistoryParams, boost

KINDS: dict[str, HistoryParams | None] = {
    "none": None,
    "bulk": HistoryParams(is_save_status=True, is_save_result=True, is_use_bulk_insert=True),
    "each": HistoryParams(is_save_status=True, is_save_result=True),
}
SECONDS = 3.0
TASKS = [
    ("sleep", 0.1),
    ("sleep", 0.02),
    ("sleep", 0.01),
    ("sleep", 0.005),
    ("sleep", 0.001),
    ("work", 1e-4),
    ("work", 0),
]
"""What a task does for how many seconds."""


def measure(kind: str, sleep: float, loops: int, messages: int) -> dict[str, float]:
    """Consume `messages` of tasks that sleep so long, and go so often through a loop."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {"BROKER_KIND": "SQLITE_QUEUE", "CONCURRENT_MODE": "threading", "STATE_URL": "sqlite://"}
        environment = Environment({**settings, "DATA_DIR": folder})
        done, numbers = threading.Event(), itertools.count(1)

        def task(x: int, name: str) -> int:
            if sleep:
                time.sleep(sleep)
            for _ in range(loops):
                pass
            if next(numbers) == messages:
                done.set()
            return x

        booster = boost(BoosterParams(queue_name="q", history=KINDS[kind]), environment=environment)(task)
        for first in range(0, messages, 1000):
            booster.push_many([{"x": x, "name": f"customer {x}"} for x in range(first, min(messages, first + 1000))])
        began, cpu = time.perf_counter(), time.process_time()
        booster.consume()
        assert done.wait(60), "it takes too long"
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        environment.worker.stop(30)
        kept = len(environment.state.history.search(limit=messages)) if KINDS[kind] else 0
        environment.close()
    return {"rate": messages / seconds, "cpu_us": cpu / messages * 1e6, "kept": kept}


def loops_of(seconds: float) -> int:
    """How often an empty loop turns in so many seconds."""
    turns, best = 100_000, float("inf")
    for _ in range(10):
        began = time.perf_counter()
        for _ in range(turns):
            pass
        best = min(best, time.perf_counter() - began)
    return int(seconds / best * turns)


def _measured(kind: str, sleep: float, loops: int, messages: int) -> dict[str, Any]:
    command = [sys.executable, __file__, "--one", kind, str(sleep), str(loops), str(messages)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout)  # type: ignore[no-any-return]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        kind, sleep, loops, messages = options.one
        print(json.dumps(measure(kind, float(sleep), int(loops), int(messages))))
        return
    for what, seconds in TASKS:
        sleep, loops = (seconds, 0) if what == "sleep" else (0.0, loops_of(seconds))
        messages = int(min(20_000, 50 / sleep * SECONDS)) if sleep else 20_000
        rounds: list[dict[str, dict[str, Any]]] = []
        for number in range(options.rounds):
            order = list(KINDS) if number % 2 else list(KINDS)[::-1]
            rounds.append({kind: _measured(kind, sleep, loops, messages) for kind in order})
        for kind in KINDS:
            share = statistics.median(one[kind]["rate"] / one["none"]["rate"] for one in rounds)
            rate, cpu = (statistics.median(one[kind][name] for one in rounds) for name in ("rate", "cpu_us"))
            print(
                f"{what} {seconds * 1000:5.1f} ms  {kind}  {rate:8.0f}/s  {share:5.2f} x  {cpu:6.1f} CPU µs a message",
                flush=True,
            )


if __name__ == "__main__":
    main()
