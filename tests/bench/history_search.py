"""How long searches take in a history of millions of records in SQLite.

    python tests/bench/history_search.py --rows 5000000 --folder /tmp/history

Makes the records where the folder has none yet (about 5 minutes and 6 GB for five millions), then prints the median and
the longest of five searches of each sort.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path
from typing import Any

from funboost_core import Environment
from funboost_core.ports.store import History, Record

BATCH = 5000
QUEUES = 10
NEWEST = 1_700_000_000.0
"""``time_start`` of the last record; they are 0.1 s apart."""


def record(number: int, rows: int) -> dict[str, Any]:
    """One of the size of a real one: 200 customers, one failure in a hundred, a few words that are rare."""
    failed = number % 100 == 7
    city = "Timbuktu" if number % 1_000_000 == 5 else f"city{number % 5000}"
    params = {"order": number, "customer": f"customer-{number % 200:03d}", "city": city}
    started = NEWEST - (rows - number) * 0.1
    return {
        "_id": f"orders_result:{number:016x}",
        "task_id": f"orders_result:{number:016x}",
        "queue_name": f"orders{number % QUEUES}",
        "function": "ship",
        "params": params,
        "msg_dict": {**params, "extra": {"task_id": f"orders_result:{number:016x}", "publish_time": started}},
        "params_str": str(params).replace("'", '"'),
        "run_status": "finish",
        "run_times": 1,
        "success": not failed,
        "result": None if failed else number,
        "exception": f"TimeoutError    host{number % 50} did not answer" if failed else None,
        "time_start": started,
        "time_end": started + 0.05,
        "host_name": "worker-1",
        "host_process": "worker-1 - 4711",
        "process_id": 4711,
        "script_name": "ship.py",
        "script_name_long": "/srv/orders/ship.py",
    }


def fill(history: History, rows: int) -> None:
    """Make the records, a year's time to live."""
    began = time.perf_counter()
    for first in range(0, rows, BATCH):
        history.save(
            [Record.of(record(number, rows)) for number in range(first, min(rows, first + BATCH))], 365 * 86400.0
        )
        if first % 500_000 == 0:
            print(f"{first:>9,} records after {time.perf_counter() - began:.0f} s", flush=True)


def searches(rows: int) -> dict[str, dict[str, Any]]:
    """What is searched for, by the name it has in the table."""
    middle = NEWEST - rows * 0.05
    return {
        "newest": {},
        "queue": {"queue": "orders3"},
        "failures of a queue": {"queue": "orders7", "success": False},
        "an hour long ago": {"since": middle, "until": middle + 3600},
        "failures of an hour": {"success": False, "since": middle, "until": middle + 3600},
        "running": {"running": True},
        "argument, one match": {"text": f'"order": {rows // 2},'},
        "argument, rare": {"text": "timbuktu"},
        "argument, 1 in 200": {"text": "customer-123"},
        "argument, everywhere": {"text": "customer"},
        "argument, nowhere": {"text": "no such thing"},
        "argument in a queue": {"text": "city1234", "queue": "orders4"},
        "argument in a queue without it": {"text": "customer-123", "queue": "orders4"},
        "exception": {"text": "timeouterror", "success": False},
        "exception of a host in a queue": {"text": "host7 did", "queue": "orders7"},
        "page 50": {"offset": 4900},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--folder", default="/tmp/history")
    options = parser.parse_args()
    Path(options.folder).mkdir(parents=True, exist_ok=True)
    environment = Environment({"STATE_URL": "sqlite://", "DATA_DIR": options.folder})
    history = environment.state.history
    if history.get(f"orders_result:{options.rows - 1:016x}") is None:
        fill(history, options.rows)
    for name, criteria in searches(options.rows).items():
        seconds = []
        for _ in range(5):
            began = time.perf_counter()
            found = history.search(**criteria)
            seconds.append(time.perf_counter() - began)
        print(
            f"{name:32} {len(found):>4} found  median {statistics.median(seconds):.4f} s  longest {max(seconds):.4f} s"
        )
    environment.close()


if __name__ == "__main__":
    main()
