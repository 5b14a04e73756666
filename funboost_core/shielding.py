"""Work of ours that a run must not be interrupted in: what is thrown into its thread waits until that has returned.

A connection that an exception leaves in the middle of a message, or with its lock held, would be of no use to anybody.
"""

from __future__ import annotations

from typing import Any, Callable, Protocol, TypeVar

from .native import get_ident

R = TypeVar("R")


class Shield(Protocol):
    """What throws into a thread, and can wait with it."""

    def shield(self, function: Callable[..., R], *args: Any) -> R:
        """``function(*args)``, into which nothing is thrown."""


exposed: dict[int, Shield] = {}
"""The threads into which something may be thrown now."""


def shielded(function: Callable[..., R], *args: Any) -> R:
    """``function(*args)``, in which this thread is not interrupted; it is when that has returned.

    Example::

        shielded(broker.publish, messages)
    """
    shield = exposed.get(get_ident())
    return function(*args) if shield is None else shield.shield(function, *args)
