"""Running a command line anew whenever a Python file of the project changes; for development."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click

LOOK = 0.5
"""Seconds between two looks at the files."""
PATIENCE = 60
"""Seconds in which the worker should have ended."""
_SKIPPED = {"__pycache__", "node_modules", "site-packages"}


def watch(root: Path) -> None:
    """Run this command line without ``--reload``, and again after each change below `root`, until Ctrl-C."""
    words = command()
    with _signals() as told:
        while not told:
            seen = snapshot(root)
            worker = subprocess.Popen(words)  # noqa: S603  this very command line
            try:
                changed = _changed(root, seen, told)
                if changed:
                    click.echo(f"{changed} has changed: starting anew", err=True)
                elif signal.SIGINT in told:  # the worker has got it too
                    with suppress(subprocess.TimeoutExpired):
                        worker.wait(PATIENCE)
            finally:
                _end(worker)
    if signal.SIGTERM in told:
        sys.exit(128 + signal.SIGTERM)


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Those that have come to end us.  They interrupt nothing: a worker that was just being started would be left alone."""
    told: list[int] = []
    before = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) not in (None, signal.SIG_IGN):
            before[number] = signal.signal(number, lambda number, _: told.append(number))
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _changed(root: Path, seen: set[tuple[str, float]], told: list[int]) -> str:
    """Wait until a file has changed, and name it; "" where a signal has come first."""
    while not told:
        time.sleep(LOOK)
        changed = seen ^ snapshot(root)
        if changed:
            return min(path for path, _ in changed)
    return ""


def snapshot(root: Path) -> set[tuple[str, float]]:
    """The Python files below `root` and when they were changed."""
    return set(_files(root))


def _files(root: Path) -> Iterator[tuple[str, float]]:
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in _SKIPPED and not name.startswith(".")]
        for name in names:
            if name.endswith(".py"):
                path = os.path.join(folder, name)  # noqa: PTH118  many, and often
                try:
                    yield path, os.stat(path).st_mtime
                except OSError:  # just gone
                    continue


def command() -> list[str]:
    """This command line without ``--reload``."""
    program = Path(sys.argv[0])
    script = program.suffix == ".py" and program.name != "__main__.py"  # funboost_cli_user.py, which may import tasks
    start = [str(program)] if script else ["-m", "funboost"]
    return [sys.executable, *start, *(word for word in sys.argv[1:] if word != "--reload")]


def _end(worker: subprocess.Popen[bytes]) -> None:
    if worker.poll() is None:
        worker.terminate()
        try:
            worker.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()
