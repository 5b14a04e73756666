"""How many functions may be called at once: reserved before fetching, shared fairly by the queues of one pool."""

from __future__ import annotations

from collections import deque
from typing import Callable

from ..native import Condition


class Permits:
    """At most `limit` are out at any time.  Who asks first is served first, so that no queue starves another.

    Example::

        permits = Permits(300)
        granted = permits.reserve(100, lambda: False)
        permits.release(granted)
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._out = 0
        self._line: deque[object] = deque()
        self._changed = Condition()

    @property
    def limit(self) -> int:
        """Most permits out at once; may be changed while some are."""
        return self._limit

    @limit.setter
    def limit(self, limit: int) -> None:
        with self._changed:
            self._limit = limit
            self._changed.notify_all()

    @property
    def out(self) -> int:
        """Permits that are out."""
        return self._out

    def reserve(self, most: int, stopped: Callable[[], bool]) -> int:
        """Up to `most` permits, waiting in line until there is at least one; 0 once `stopped()` (and `wake`)."""
        ticket = object()
        with self._changed:
            self._line.append(ticket)
            try:
                while not stopped() and (self._line[0] is not ticket or self._out >= self._limit):
                    self._changed.wait()
                if stopped():
                    return 0
                granted = min(most, self._limit - self._out)
                self._out += granted
                return granted
            finally:
                self._line.remove(ticket)
                self._changed.notify_all()

    def release(self, permits: int) -> None:
        """Give permits back."""
        if permits:
            with self._changed:
                self._out -= permits
                self._changed.notify_all()

    def wake(self) -> None:
        """Make who waits look at `stopped` again."""
        with self._changed:
            self._changed.notify_all()
