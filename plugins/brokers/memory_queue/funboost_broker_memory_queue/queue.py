"""One queue: a deque of ordinary messages, a heap of those with a priority, a heap of those that are not yet due."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from heapq import heappop, heappush
from itertools import count, repeat
from typing import Callable

from funboost_core.clock import Clock
from funboost_core.native import Condition, Lock
from funboost_core.ports.broker import Body, Delivery


class Queue:
    """Shared by all broker objects of an environment that name it.

    `Delivery.tag` is the priority.  Ordinary messages are appended without a lock (a deque's `append` is atomic);
    everything else, taking included, holds `_lock`.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._condition = Condition(self._lock)
        # New messages as their bare bodies, for which the garbage collector has nothing to do while they wait (a
        # quarter of the cost of publishing); others as deliveries.
        self._ordinary: deque[Body | Delivery] = deque()
        self._ranked: list[tuple[int, int, Delivery]] = []  # highest priority first, then in order
        self._later: list[tuple[float, int, Delivery]] = []  # by due time
        self._back = count()
        self._front = count(-1, -1)
        self.append = self._ordinary.append
        """Put an ordinary message at the end; call `announce` afterwards when `waiting`."""
        self.waiting = 0
        """How many consumers wait for messages."""

    def put(self, delivery: Delivery, due: float | None) -> None:
        """Put a message that has a priority, a due time, or both."""
        with self._lock:
            if due is not None and due > self._clock.time():
                heappush(self._later, (due, next(self._back), delivery))
                self._condition.notify_all()  # each consumer that waits has to wait less long now
            else:
                self._place(delivery)
                self._condition.notify()

    def announce(self, number: int) -> None:
        """Wake consumers for `number` new messages."""
        with self._lock:
            self._condition.notify(number)

    def wake_all(self) -> None:
        """Make all that wait look again at whether they should."""
        with self._lock:
            self._condition.notify_all()

    def give_back(self, deliveries: Iterable[Delivery]) -> None:
        """Put messages at the front, in the order in which they were taken."""
        with self._lock:
            for delivery in reversed(list(deliveries)):
                if delivery.tag:
                    heappush(self._ranked, (-delivery.tag, next(self._front), delivery))
                else:
                    self._ordinary.appendleft(delivery)
            self._condition.notify_all()

    def take(self, limit: int) -> list[Delivery]:
        """Up to `limit` messages that are due, without waiting."""
        with self._lock:
            return self._take(limit)

    def wait(self, limit: int, timeout: float, woken: Callable[[], bool]) -> list[Delivery]:
        """Like `take`, waiting at most `timeout` seconds, or until `woken()`, while there are none."""
        deadline = self._clock.monotonic() + timeout
        with self._lock:
            self.waiting += 1  # before looking: who appends after the look sees it and announces
            try:
                while True:
                    taken = self._take(limit)
                    remaining = deadline - self._clock.monotonic()
                    if taken or woken() or remaining <= 0:
                        return taken
                    if self._later:
                        remaining = min(remaining, self._later[0][0] - self._clock.time())
                    self._clock.wait(self._condition, remaining)
            finally:
                self.waiting -= 1

    def _take(self, limit: int) -> list[Delivery]:
        if not self._ranked and not self._later:
            pop = self._ordinary.popleft
            return [_delivery(pop()) for _ in repeat(None, min(limit, len(self._ordinary)))]
        self._mature()
        taken: list[Delivery] = []
        ranked, ordinary = self._ranked, self._ordinary
        while len(taken) < limit:
            if ranked and (ranked[0][0] < 0 or not ordinary):  # negative priorities come after ordinary messages
                taken.append(heappop(ranked)[2])
            elif ordinary:
                taken.append(_delivery(ordinary.popleft()))
            else:
                break
        return taken

    def _mature(self) -> None:
        """Let the messages whose time has come join the others."""
        later = self._later
        now = self._clock.time() if later else 0.0
        while later and later[0][0] <= now:
            self._place(heappop(later)[2])

    def _place(self, delivery: Delivery) -> None:
        if delivery.tag:
            heappush(self._ranked, (-delivery.tag, next(self._back), delivery))
        else:
            self.append(delivery)

    def clear(self) -> None:
        """Remove all messages, due or not."""
        with self._lock:
            self._ordinary.clear()
            self._ranked.clear()
            self._later.clear()

    def __len__(self) -> int:
        return len(self._ordinary) + len(self._ranked) + len(self._later)


def _delivery(item: Body | Delivery) -> Delivery:
    return item if isinstance(item, Delivery) else Delivery(item, 0)
