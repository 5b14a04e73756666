"""Moving parked messages on when their time has come."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from ..message import priority_of
from ..native import Lock
from ..policies.unique import DEBOUNCE
from ..ports.broker import Outgoing
from ..ports.capability import Capability

if TYPE_CHECKING:
    from ..ports.broker import Broker
    from ..task import Task

LEASE = 30
"""Beats for which a message that is being moved is withheld from others: so late it is when its mover is killed."""
BATCH = 100
SLICE = 0.2
"""Seconds after which the maintenance thread attends to others, however much is due."""
FIRST, LONGEST = 0.02, 1.0
"""Seconds between looks while something is due by our clock and not yet by that of the store, growing."""


class Mover:
    """Publishes what is parked for one queue, at its due time; at least once, and once while nobody is killed.

    `move` is called at each beat, which finds what other processes have parked; what this process parks (`expect`) or
    knows of is moved on at its time.  All consumers of a queue do this; a claim sees to it that each message is moved
    by one of them.
    """

    def __init__(self, task: Task, broker: Broker) -> None:
        self._task = task
        self._broker = broker
        self._clock = task.environment.clock
        self._ranked = Capability.PRIORITY in task.capabilities
        self._lease = LEASE * float(task.environment.settings("BEAT_SECONDS", 1.0))
        self._armed = inf  # when (monotonic) we asked to be called
        self._arming = Lock()  # between who parks and who moves: the earlier time counts
        self._pause = FIRST

    def expect(self, due: float) -> None:
        """A message has been parked here until `due` (epoch seconds)."""
        self._arm(due - self._clock.time())

    def alarm(self) -> None:
        """Somebody in this process asked to be called about now."""
        if self._armed <= self._clock.monotonic():
            self.move()
        elif self._armed < inf:
            self._task.environment.worker.wake_at(self._armed)

    def move(self) -> None:
        """Move on what is due, and be called again when the next is."""
        self._armed = inf  # before looking: what is parked after the look sets it anew
        begun = self._clock.monotonic()
        while True:
            moved = self._move_batch()
            if moved < BATCH:
                break
            if self._clock.monotonic() - begun > SLICE:
                self._arm(0.0)
                return
        due = self._task.environment.state.parking.next_due(self._task.queue)
        if due is None:
            return
        wait = due - self._clock.time()
        if wait > 0:
            self._pause = FIRST
        else:  # another one's claim, or another clock
            wait, self._pause = self._pause, min(2 * self._pause, LONGEST)
        self._arm(wait)

    def _move_batch(self) -> int:
        parking = self._task.environment.state.parking
        due = parking.claim(self._task.queue, BATCH, self._lease)
        if due:
            try:
                self._broker.publish([Outgoing(m.body, priority_of(m.body) if self._ranked else 0) for m in due])
            except Exception:
                # The next beat need not wait for the end of the claim; but a debounced one may have been replaced meanwhile.
                parking.park([message for message in due if message.reason != DEBOUNCE])
                raise
            parking.done(due)
        return len(due)

    def _arm(self, seconds: float) -> None:
        moment = self._clock.monotonic() + seconds
        with self._arming:
            if moment >= self._armed:
                return
            self._armed = moment
        self._task.environment.worker.wake_at(moment)
