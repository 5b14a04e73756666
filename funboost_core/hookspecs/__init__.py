"""Every hook, grouped by room: `declarations` (what a plugin offers), `lifecycle` and `working` (what it hears and decides).

Each docstring has a plugin that runs (tests/unit/test_hook_examples.py runs them).  An implementation may take fewer
arguments than are listed.
"""

from __future__ import annotations

from .declarations import Declarations
from .lifecycle import Acknowledging, Carrying, Executing, Publishing
from .markers import PROJECT, hookimpl, hookspec
from .working import Working

ROOMS = (Declarations, Publishing, Carrying, Executing, Acknowledging, Working)

__all__ = ["PROJECT", "ROOMS", "hookimpl", "hookspec"]
