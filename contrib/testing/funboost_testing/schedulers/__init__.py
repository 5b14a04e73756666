"""The conformance suite of schedulers.

Subclass it in a test module, and name the kind and one of its job stores::

    class TestMyScheduler(SchedulerSuite):
        kind = "my_scheduler"
        store = "sqlite"
        persistent = True       # another process that opens the store finds the same jobs
"""

from __future__ import annotations

from .base import SchedulerBase
from .changing import ChangingTests
from .ending import EndingTests
from .firing import FiringTests
from .missing import MissingTests
from .sharing import SharingTests

__all__ = ["SchedulerSuite"]


class SchedulerSuite(ChangingTests, FiringTests, MissingTests, SharingTests, EndingTests, SchedulerBase):
    """All that a `Scheduler` promises, as seen by who publishes what it fires."""
