"""Tests that look at each step of the interpreter."""

from __future__ import annotations

from funboost_core.consuming.interrupting import ThreadInterrupter, thrower
from funboost_core.errors import RunInterrupted


def prepare() -> None:
    """Have the interpreter look no more for exceptions that were thrown into threads which have not come to them yet.

    Up to Python 3.11 it would go no further where it is traced: a run of another test may still hang.  It stops looking
    when one arrives, anywhere.
    """
    throw = thrower()
    if throw is not None:
        try:
            ThreadInterrupter(throw).throw(lambda: True)
        except RunInterrupted:
            pass
