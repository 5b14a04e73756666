"""What a run may take in its process: memory and processor time.

The system enforces it where it can (`resource`); else a thread looks, ten times a second.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from ..native import Thread, sleep
from ..recycling import memory_mb

resource: Any = None
with contextlib.suppress(ImportError):  # Windows has none
    import resource

TOO_LARGE, TOO_LONG = 118, 119
"""Exit codes of a process that a limit ended, where no signal says so."""
_LOOK = 0.1


class Limits:
    """The limits of this process, a child that runs one function after the other.

    Args:
        memory_mb: megabytes (millions of bytes) beyond what the process has now; None = no limit.
        cpu_seconds: of one run; None = no limit.
    """

    def __init__(self, memory_mb: int | None, cpu_seconds: float | None) -> None:
        self._seconds = cpu_seconds
        self._until: float | None = None  # of this process's processor time
        self._most: float | None = None
        if memory_mb is not None and not _limit_memory(memory_mb):
            self._most = _memory() + memory_mb
        if self._most is not None or (cpu_seconds is not None and resource is None):
            Thread(target=self._look, name="funboost-limits", daemon=True).start()

    def begin(self) -> None:
        """A run begins."""
        if self._seconds is not None:
            self._until = time.process_time() + self._seconds
            if resource is not None:
                hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
                resource.setrlimit(resource.RLIMIT_CPU, (int(self._until) + 1, hard))

    def _look(self) -> None:
        while True:
            if self._most is not None and _memory() > self._most:
                os._exit(TOO_LARGE)
            if resource is None and self._until is not None and time.process_time() > self._until:
                os._exit(TOO_LONG)
            sleep(_LOOK)


def _memory() -> float:
    return memory_mb("isolation_memory_mb")


def _limit_memory(mb: int) -> bool:
    """Let the system limit the address space; False where it does not."""
    if resource is None or sys.platform == "darwin":
        return False
    try:
        now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + mb * 1_000_000, resource.getrlimit(resource.RLIMIT_AS)[1]))
    except (OSError, ValueError):
        return False
    return True


def ending(exit_code: int | None, memory_mb: int | None, cpu_seconds: float | None) -> str:
    """What an exit code says, as text."""
    if exit_code == TOO_LARGE:
        return f"it took more than isolation_memory_mb={memory_mb}"
    try:
        name = signal.Signals(-(exit_code or 0)).name
    except ValueError:
        name = f"exit code {exit_code}"
    if exit_code == TOO_LONG or name == "SIGXCPU":
        return f"it took more than isolation_cpu_seconds={cpu_seconds}"
    return f"{name}; probably the system had no memory left" if name == "SIGKILL" else name
