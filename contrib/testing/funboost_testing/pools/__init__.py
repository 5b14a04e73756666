"""The conformance suite of pools.

Subclass it in a test module, name the mode, and say what the mode runs::

    class TestMyPool(PoolSuite):
        kind = "my_mode"
        runs = ("async def",)

A mode that needs a patched process names the line that patches it; all tests of the class then run in a process of
their own that begins with it::

    class TestGevent(PoolSuite):
        kind = "gevent"
        runs = ("def",)
        first_line = "from gevent import monkey; monkey.patch_all()"
"""

from __future__ import annotations

from .base import PoolBase
from .ending import EndingTests
from .interrupting import InterruptingTests
from .limits import LimitTests
from .running import RunningTests

__all__ = ["PoolSuite"]


class PoolSuite(RunningTests, LimitTests, InterruptingTests, EndingTests, PoolBase):
    """All that a `ThreadPool` or `TaskPool` promises, as seen by the tasks that run in it."""
