"""Locks of modules that a forked child finds free."""

from __future__ import annotations

import os
from typing import Any

from funboost_core.native import RLock


class OwnLock:
    """A lock of each process, for ``with lock():``.

    A child that was forked has none of the threads that may have held its parent's, which would stay locked for ever.
    """

    def __init__(self) -> None:
        self._locks: dict[int, Any] = {}

    def __call__(self) -> Any:
        """The lock of this process."""
        return self._locks.setdefault(os.getpid(), RLock())
