"""How a fetch that found nothing waits for more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from funboost_core.native import Condition

if TYPE_CHECKING:
    from funboost_core.clock import Clock

    from .database import Database

FIRST, LONGEST = 0.0002, 0.05  # seconds between two looks for the commits of other processes, growing from one to other


class Channel:
    """Those of this process who wait for messages of one queue."""

    def __init__(self) -> None:
        self.changes = 0
        self._waiting = 0
        self._condition = Condition()

    def signal(self) -> None:
        """This process committed something to fetch; hold the lock of the database."""
        self.changes += 1
        if self._waiting:  # raised before the look at `changes`: one of both sees the other
            self.nudge()

    def nudge(self) -> None:
        """Make those who wait look again."""
        with self._condition:
            self._condition.notify_all()

    def wait(self, clock: Clock, seconds: float, seen: int, woken: Callable[[], bool]) -> None:
        """Wait until something was signalled since `changes` was `seen`, or `woken()`, at most `seconds`."""
        with self._condition:
            self._waiting += 1
            try:
                if self.changes == seen and not woken():
                    clock.wait(self._condition, seconds)
            finally:
                self._waiting -= 1


def await_messages(database: Database, queue: str, clock: Clock, deadline: float, woken: Callable[[], bool]) -> bool:
    """Wait until there is something to fetch; False at `deadline` (of the monotonic clock) or once `woken()`.

    Nothing in SQLite wakes another process.  What this process publishes is signalled; for the others the data
    version, which costs microseconds, is looked at ever more rarely, and the queue only after it has changed.
    """
    channel = database.channel(queue)
    pause = FIRST
    while True:
        seen, version = channel.changes, database.version()
        ready, due = database.read(queue, "peek")[0]
        if ready or (due is not None and due <= clock.time()):
            return True
        while channel.changes == seen and database.version() == version:
            left = deadline - clock.monotonic()
            if left <= 0 or woken():
                return False
            until_due = LONGEST if due is None else due - clock.time()
            if until_due <= 0:
                return True
            channel.wait(clock, min(pause, left, until_due), seen, woken)
            pause = min(pause * 1.5, LONGEST)
