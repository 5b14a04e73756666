"""A dict whose entries end by themselves."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from heapq import heapify, heappop, heappush
from itertools import count
from math import inf
from typing import Callable, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Expiring(Generic[K, V]):
    """Keys with values until a time; whatever has expired is dropped at the next call, whichever key that is for.

    Not thread-safe: its owner holds a lock.  `now` returns the present time.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._items: dict[K, tuple[V, float]] = {}
        self._ends: list[tuple[float, int, K]] = []  # a heap; entries of replaced or removed keys are passed over
        self._order = count()

    def sweep(self) -> int:
        """Drop what has expired; the number of keys dropped."""
        ends, items, dropped = self._ends, self._items, 0
        if ends and ends[0][0] <= (now := self._now()):
            while ends and ends[0][0] <= now:
                expires, _, key = heappop(ends)
                item = items.get(key)
                if item is not None and item[1] == expires:
                    del items[key]
                    dropped += 1
        if len(ends) > 2 * len(items) + 64:  # keys that are renewed all the time must not pile up
            self._ends = [(expires, next(self._order), key) for key, (_, expires) in items.items() if expires < inf]
            heapify(self._ends)
        return dropped

    def put(self, key: K, value: V, expires: float | None) -> None:
        """Set `key` until `expires`; None = for ever."""
        self.sweep()
        if expires is None:
            expires = inf
        self._items[key] = (value, expires)
        if expires < inf:
            heappush(self._ends, (expires, next(self._order), key))

    def get(self, key: K) -> V | None:
        """The value of `key`; None when it has none."""
        self.sweep()
        item = self._items.get(key)
        return None if item is None else item[0]

    def pop(self, key: K) -> None:
        """Forget `key` if it is there."""
        self._items.pop(key, None)
        self.sweep()

    def items(self) -> Iterator[tuple[K, V]]:
        """All keys and values."""
        self.sweep()
        return ((key, value) for key, (value, _) in self._items.items())

    def __len__(self) -> int:
        self.sweep()
        return len(self._items)
