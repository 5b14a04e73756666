"""Threads and processes that stand still for moments; see `amplify`."""

from __future__ import annotations

import os
import random
import select
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

ROOT = str(Path(__file__).parents[2])
_draw, _sleep, _now, _ident = random.Random().random, time.sleep, time.perf_counter, threading.get_ident


def _setting(name, default):
    every, most = map(float, os.environ.get(name, default).split())
    return every, most


# -- threads: in the tests, and by `sitecustomize` in all Python programs that they start -----------------------------------

EVERY, MOST = _setting("AMPLIFY_THREADS", "0.1 0.1")
_next: dict[int, float] = {}


def _look(frame, event, _argument):
    if event not in {"call", "return"}:
        return
    me, now = _ident(), _now()
    if now < _next.setdefault(me, now + _draw() * EVERY):
        return
    name = frame.f_code.co_filename
    if (name.startswith(ROOT) and ".tox" not in name) or name.endswith(("threading.py", "queue.py")):
        _sleep(_draw() ** 2 * MOST)
        _next[me] = _now() + _draw() * 2 * EVERY


def start():
    """Let this thread, and those that begin from now on, stand still now and then."""
    if MOST:
        threading.setprofile(_look)
        sys.setprofile(_look)


# -- processes: what the tests start, servers included, and the workers that run the tests ----------------------------------


def _below(root):
    """The processes below one, that run or sleep (Linux)."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            name, _, rest = stat.read_text().rpartition(")")
            state, parent = rest.split()[:2]
            if state in "RSD":  # not one that a test has stopped
                children.setdefault(int(parent), []).append(int(name.split()[0]))
    found, roots = [], [root]
    while roots:
        more = children.get(roots.pop(), [])
        found += more
        roots += more
    return [pid for pid in found if pid != os.getpid()]


def _signal(pids, what):
    for pid in pids:
        with suppress(OSError):
            os.kill(pid, what)


def stop_now_and_then(root):
    """Stop three processes below `root` at a time, until our standard input ends."""
    every, most = _setting("AMPLIFY_PROCESSES", "0.5 0.3")
    while most and not select.select([sys.stdin], [], [], _draw() * every)[0]:
        pids = _below(root)
        pids = random.sample(pids, min(3, len(pids)))
        _signal(pids, signal.SIGSTOP)
        _sleep(_draw() ** 2 * most)
        _signal(pids, signal.SIGCONT)


if __name__ == "__main__":
    stop_now_and_then(int(sys.argv[1]))
