"""Parked messages in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heapify, heappop, heappush
from itertools import count

from funboost_core.clock import Clock
from funboost_core.native import Lock
from funboost_core.ports.store import Parked, Parking


class _Place:
    """The messages of one target, and a heap of when each may be handed out: its due time, or the end of its claim."""

    def __init__(self) -> None:
        self.messages: dict[str, tuple[Parked, int]] = {}  # with the number of the heap entry that is valid
        self.ready: list[tuple[float, int, str]] = []
        self._order = count()

    def put(self, message: Parked, ready: float) -> None:
        number = next(self._order)
        self.messages[message.id] = (message, number)
        heappush(self.ready, (ready, number, message.id))

    def tidy(self) -> None:
        """Drop heap entries that were replaced or are done from the top, and all of them when they are too many."""
        heap, messages = self.ready, self.messages
        if len(heap) > 2 * len(messages) + 64:
            heap[:] = [entry for entry in heap if self._valid(entry)]
            heapify(heap)
        while heap and not self._valid(heap[0]):
            heappop(heap)

    def _valid(self, entry: tuple[float, int, str]) -> bool:
        present = self.messages.get(entry[2])
        return present is not None and present[1] == entry[1]


class MemoryParking(Parking):
    """A heap of messages a target."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._places: dict[str, _Place] = {}

    def park(self, messages: Sequence[Parked]) -> None:
        """See `Parking.park`; parking again ends a claim."""
        with self._lock:
            for message in messages:
                place = self._places.setdefault(message.target, _Place())
                place.put(message, message.due)
                place.tidy()

    def claim(self, target: str, limit: int, lease: float) -> list[Parked]:
        """See `Parking.claim`."""
        claimed: list[Parked] = []
        with self._lock:
            place = self._places.get(target)
            if place is None:
                return claimed
            now = self._clock.time()
            place.tidy()
            while len(claimed) < limit and place.ready and place.ready[0][0] <= now:
                _, _, id = heappop(place.ready)
                claimed.append(place.messages[id][0])
                place.tidy()
            for message in claimed:
                place.put(message, now + lease)
            return claimed

    def done(self, messages: Iterable[Parked]) -> None:
        """See `Parking.done`; a message that was parked anew meanwhile (its next try) stays."""
        with self._lock:
            for message in messages:
                place = self._places.get(message.target)
                if place is None:
                    continue
                present = place.messages.get(message.id)
                if present is not None and present[0] == message:
                    del place.messages[message.id]
                    place.tidy()
                if not place.messages:
                    del self._places[message.target]

    def next_due(self, target: str) -> float | None:
        """See `Parking.next_due`; for a message that is claimed, the end of its claim."""
        with self._lock:
            place = self._places.get(target)
            return place.ready[0][0] if place is not None and place.ready else None

    def count(self, target: str) -> int:
        """See `Parking.count`."""
        with self._lock:
            place = self._places.get(target)
            return len(place.messages) if place is not None else 0

    def purge(self, target: str) -> int:
        """See `Parking.purge`."""
        with self._lock:
            place = self._places.pop(target, None)
            return len(place.messages) if place is not None else 0
