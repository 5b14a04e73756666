"""When a child process has done enough: after a number of tasks, or above a size."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import ConfigError

if TYPE_CHECKING:
    from .consuming.consumer import Consumer

_STATM = Path("/proc/self/statm")


def exhausted(consumer: Consumer) -> str:
    """Why this process should make room for a fresh one; "" while it need not."""
    params = consumer.task.params
    if params.process_max_tasks is not None and consumer.intake.finished >= params.process_max_tasks:
        return f"it has run {consumer.intake.finished} tasks, process_max_tasks is {params.process_max_tasks}"
    if params.process_max_memory_mb is not None:
        size = memory_mb()
        if size > params.process_max_memory_mb:
            return f"it has {size:.0f} MB, process_max_memory_mb is {params.process_max_memory_mb}"
    return ""


def memory_mb(wanted_for: str = "process_max_memory_mb") -> float:
    """The memory of this process in megabytes: resident now, or at its peak where the system tells only that.

    Raises:
        ConfigError: this system does not tell without psutil.
    """
    if _STATM.exists():
        import resource

        return int(_STATM.read_text().split()[1]) * resource.getpagesize() / 1e6
    try:
        import psutil  # type: ignore[import-untyped,unused-ignore]  # only where the user has it
    except ImportError:
        pass
    else:
        return float(psutil.Process().memory_info().rss) / 1e6
    if sys.platform == "win32":
        raise ConfigError(f"{wanted_for} needs psutil on this system. Install it with: pip install psutil")
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
