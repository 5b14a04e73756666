"""What keeping the history costs: messages a second with and without it, in turns.

    python tests/bench/history_cost.py --rounds 5

Each figure is a program of its own: 50 threads, queue and state in SQLite files, tasks that sleep (0: nothing at all).
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


def measure(kind: str, sleep: float, messages: int) -> dict[str, float]:
    """Consume `messages` of tasks that sleep so long."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {"BROKER_KIND": "SQLITE_QUEUE", "CONCURRENT_MODE": "threading", "STATE_URL": "sqlite://"}
        environment = Environment({**settings, "DATA_DIR": folder})
        done, numbers = threading.Event(), itertools.count(1)

        def task(x: int, name: str) -> int:
            if sleep:
                time.sleep(sleep)
            if next(numbers) == messages:
                done.set()
            return x

        booster = boost(BoosterParams(queue_name="q", history=KINDS[kind]), environment=environment)(task)
        for first in range(0, messages, 1000):
            booster.push_many([{"x": x, "name": f"customer {x}"} for x in range(first, min(messages, first + 1000))])
        began, cpu = time.perf_counter(), time.process_time()
        booster.consume()
        done.wait(60)
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        environment.worker.stop(30)
        kept = len(environment.state.history.search(limit=messages)) if KINDS[kind] else 0
        environment.close()
    return {"rate": messages / seconds, "cpu_us": cpu / messages * 1e6, "kept": kept}


def _measured(kind: str, sleep: float, messages: int) -> dict[str, Any]:
    command = [sys.executable, __file__, "--one", kind, "--sleep", str(sleep), "--messages", str(messages)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout)  # type: ignore[no-any-return]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--sleep", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--messages", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one, options.sleep, options.messages)))
        return
    for sleep in (0.1, 0.02, 0.01, 0.005, 0.0):
        messages = int(min(20_000, 50 / sleep * SECONDS)) if sleep else 20_000
        rounds = [{kind: _measured(kind, sleep, messages) for kind in KINDS} for _ in range(options.rounds)]
        for kind in KINDS:
            share = statistics.median(one[kind]["rate"] / one["none"]["rate"] for one in rounds)
            rate, cpu = (statistics.median(one[kind][name] for one in rounds) for name in ("rate", "cpu_us"))
            print(f"{sleep * 1000:5.0f} ms  {kind}  {rate:8.0f}/s  {share:5.2f} x  {cpu:6.1f} CPU µs a message")


if __name__ == "__main__":
    main()
