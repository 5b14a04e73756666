"""What all peers measure with: a figure is a dict of `value`, its `unit`, and perhaps `cpu_us` a message and more."""

from __future__ import annotations

import itertools
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Callable

SECONDS = float(os.environ.get("FUNBOOST_BENCH_SECONDS", "4"))
"""A measurement ends after this long when not all of its messages are done: slow peers do fewer."""
BLOCK = 100
HELD = 8
PATIENCE = 20.0
"""Seconds for which `recovery` waits for the messages of a worker that was killed."""
QUIET = 0.5
"""A consumer that shares a queue has ended when nothing has run for so many seconds."""

Figure = dict[str, Any]


def tell(figure: Any) -> None:
    """Print what was measured, and end this process: a peer may have replaced print, and have threads that never end."""
    os.write(1, json.dumps(figure).encode() + b"\n")
    os._exit(0)


def rate(messages: int, seconds: float, cpu: float, **more: Any) -> Figure:
    """The figure of `messages` in `seconds` with `cpu` seconds of processor time."""
    return {"value": messages / seconds, "unit": "/s", "cpu_us": cpu / messages * 1e6, "messages": messages, **more}


def publish(n: int, send: Callable[[int], Any]) -> Figure:
    """``send(i)`` again and again."""
    return publish_blocks(n, lambda numbers: [send(i) for i in numbers])


def publish_blocks(n: int, send: Callable[[range], Any]) -> Figure:
    """``send(range of BLOCK numbers)`` until `n` are sent or the time is over."""
    sent = 0
    cpu, start = time.process_time(), time.perf_counter()
    while sent < n and time.perf_counter() - start < SECONDS:
        send(range(sent, sent + BLOCK))
        sent += BLOCK
    return rate(sent, time.perf_counter() - start, time.process_time() - cpu)


class Runs:
    """The body of the task that is consumed: counts, and takes the time of the first and the last run."""

    def __init__(self, total: int) -> None:
        self.total = total
        self._numbers = itertools.count(1)  # atomic: many threads call this object
        self._seen = 0
        self._begin = self._end = (0.0, 0.0)
        self._done = threading.Event()
        self.deadline = float("inf")

    def __call__(self, x: int, y: int) -> None:
        number = self._seen = next(self._numbers)
        if number == 1:
            self._begin = _now()
        elif number == self.total:
            self._end = _now()
            self._done.set()

    def measure(self, start: Callable[[], Any]) -> Figure:
        """From the first to the last run after ``start()``, or as far as it comes."""
        self.deadline = time.perf_counter() + SECONDS
        start()
        if self._done.wait(max(0.0, self.deadline - time.perf_counter())):
            seen = self.total
        else:
            seen, self._end = self._seen, _now()
        (wall, cpu), (first, cpu_before) = self._end, self._begin
        return rate(seen, wall - first, cpu - cpu_before)

    def share(self, start: Callable[[], Any]) -> dict[str, float]:
        """This process's part of a queue that others consume too, told to `consume_together`."""
        print("ready", file=sys.__stdout__, flush=True)
        sys.stdin.readline()
        start()
        seen, last, idle_since = 0, _now(), time.perf_counter()
        while time.perf_counter() - idle_since < QUIET or not seen:
            time.sleep(0.01)
            if self._seen != seen:
                seen, last, idle_since = self._seen, _now(), time.perf_counter()
        return {"messages": seen, "first": self._begin[0], "last": last[0], "cpu": last[1] - self._begin[1]}


def _now() -> tuple[float, float]:
    return time.time(), time.process_time()


def child(peer: str, program: str, **options: Any) -> subprocess.Popen[str]:
    """Another process that runs a program of a peer."""
    return subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("measure.py")), peer, program, json.dumps(options)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def consume_together(peer: str, program: str, processes: int, **options: Any) -> Figure:
    """The queue is filled: let several processes work it off and add up what they tell."""
    children = [child(peer, program, **options) for _ in range(processes)]
    for one in children:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in children:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    parts = [json.loads(one.communicate(timeout=120)[0]) for one in children]
    messages = sum(part["messages"] for part in parts)
    seconds = max(part["last"] for part in parts) - min(part["first"] for part in parts)
    return rate(messages, seconds, sum(part["cpu"] for part in parts))


def round_trips(n: int, trip: Callable[[int], Any]) -> Figure:
    """The median time of ``trip(i)``, one at a time."""
    for i in range(5):
        trip(i)
    times: list[float] = []
    cpu, start = time.process_time(), time.perf_counter()
    while len(times) < n and time.perf_counter() - start < SECONDS:
        begun = time.perf_counter()
        trip(len(times))
        times.append(time.perf_counter() - begun)
    cpu = time.process_time() - cpu
    return {"value": statistics.median(times) * 1000, "unit": "ms", "cpu_us": cpu / len(times) * 1e6}


def note(folder: str, who: str, number: int) -> None:
    """Write down that `who` runs message `number`; whole lines, whoever writes at the same time."""
    with open(Path(folder, who), "ab", buffering=0) as file:
        file.write(b"%d\n" % number)


def noted(folder: str, who: str) -> set[int]:
    """The messages that `who` has begun to run."""
    try:
        return {int(line) for line in Path(folder, who).read_bytes().split()}
    except FileNotFoundError:
        return set()


def worker_function(folder: str, who: str, seconds: float) -> Callable[..., int]:
    """The task of `recovery` and `cold_start`."""

    def function(x: int, y: int) -> int:
        note(folder, who, x)
        time.sleep(seconds)
        return x + y

    return function


def recovery(peer: str, send: Callable[[int], Any], folder: str, **options: Any) -> Figure:
    """Seconds from the SIGKILL of a worker until another one has run all that it held; PATIENCE where it has not."""
    everything = set(range(HELD))
    first = child(peer, "worker", folder=folder, who="first", seconds=600, **options)
    second = None
    try:
        for number in everything:
            send(number)
        _until(lambda: bool(noted(folder, "first")), 30)
        time.sleep(1)  # it takes what it takes
        second = child(peer, "worker", folder=folder, who="second", seconds=0, **options)
        time.sleep(3)  # which runs the rest
        waiting = everything - noted(folder, "second")
        first.kill()
        start = time.perf_counter()
        _until(lambda: noted(folder, "second") == everything, PATIENCE)
        missing = everything - noted(folder, "second")
        return {"value": time.perf_counter() - start, "unit": "s", "held": len(waiting), "not back": len(missing)}
    finally:
        first.kill()
        if second is not None:
            second.kill()


def cold_start(peer: str, send: Callable[[int], Any], folder: str, **options: Any) -> Figure:
    """Milliseconds from the start of a worker's process to the run of a message that waits; median, once to warm up."""
    times = []
    for number in range(6):
        send(number)
        start = time.perf_counter()
        process = child(peer, "worker", folder=folder, who="first", seconds=0, **options)
        _until(lambda number=number: number in noted(folder, "first"), 30)  # type: ignore[misc]
        times.append(time.perf_counter() - start)
        time.sleep(0.3)  # it acknowledges
        process.kill()
        process.wait()
        time.sleep(0.2)  # the server must not give the next message to it
    return {"value": statistics.median(times[1:]) * 1000, "unit": "ms"}


def _until(condition: Callable[[], bool], seconds: float) -> None:
    end = time.perf_counter() + seconds
    while not condition() and time.perf_counter() < end:
        time.sleep(0.002)


def idle(seconds: float) -> Figure:
    """Memory of this process and its children, and the processor time that it uses doing nothing."""
    time.sleep(1)
    cpu = time.process_time()
    time.sleep(seconds)
    percent = (time.process_time() - cpu) / seconds * 100
    return {"value": tree_megabytes(), "unit": "MB", "cpu %": percent}


def tree_megabytes() -> float:
    """Resident memory of this process and all below it; `ps` knows, so not on Windows (nan)."""
    try:
        table = subprocess.check_output(["ps", "-A", "-o", "pid=,ppid=,rss=,comm="], text=True)
    except FileNotFoundError:
        return float("nan")
    rows = [line.split(None, 3) for line in table.splitlines()]
    tree, size = {os.getpid()}, -1
    while len(tree) != size:
        size = len(tree)
        tree |= {int(row[0]) for row in rows if int(row[1]) in tree and "ps" not in row[3:]}
    return sum(int(row[2]) for row in rows if int(row[0]) in tree) / 1024


def starts(moments: Iterable[float]) -> Figure:
    """How a rate was kept: the mean, and the most starts in any sliding second."""
    times = sorted(moments)
    worst, first = 0, 0
    for last, moment in enumerate(times):
        while moment - times[first] >= 1:
            first += 1
        worst = max(worst, last - first + 1)
    return {"value": (len(times) - 1) / (times[-1] - times[0]), "unit": "/s", "worst second": worst}


def wall_of(code: str, times: int = 5) -> Figure:
    """Milliseconds of a Python that runs `code`, median; once more to warm up."""
    walls = []
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for _ in range(times + 1):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, env=environment)  # compiled at the first time
        walls.append(time.perf_counter() - start)
    return {"value": statistics.median(walls[1:]) * 1000, "unit": "ms"}
