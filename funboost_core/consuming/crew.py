"""Threads that take turns: whoever finds nothing ready fetches (the leader), the others run or wait (followers).

A message is fetched and run by the same thread, without a hand-over; more threads are started only when there is
something for them to do and no idle one waits, never more than the pool's limit.  While runs are quick, the leader runs
a single message alone (`alone`).
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Callable

from ..native import Condition
from .alone import Alone
from .attempts import Abandoned
from .execution import SUCCESS, prepare, run, work_out
from .leaving import leave
from .line import Line

if TYPE_CHECKING:
    from ..clock import Clock
    from ..outcome import Outcome
    from ..ports.broker import Delivery
    from ..ports.pool import ThreadPool
    from .fetching import Intake
    from .settling import Settler

logger: logging.Logger = logging.getLogger("funboost.worker")

IDLE = 10.0
"""Seconds after which a thread that had nothing to do ends."""


class Crew(Line):
    """The workers of one consumer in a `ThreadPool`."""

    replaces: bool = True

    def __init__(
        self,
        pool: ThreadPool,
        intake: Intake,
        settler: Settler,
        conclude: Callable[[Delivery, Outcome], bool],
        clock: Clock,
        hurry: Callable[[], None],
    ) -> None:
        self._pool = pool
        self._intake = intake
        self._settler = settler
        self._conclude = conclude
        self._clock = clock
        self.alone: Alone = Alone(clock, hurry)
        self._turn = Condition()
        self._leading = False
        self._help = False  # somebody is being woken, or nobody could be
        self._stopping = False
        self.ready: deque[Delivery] = deque()
        self.size: int = 0  # threads
        self.idle: int = 0  # of them, waiting for something to do

    @property
    def running(self) -> int:
        """Messages whose function is being called, about."""
        return max(0, self.size - self.idle - self._leading)

    def start(self) -> None:
        """Send the first worker."""
        with self._turn:
            self._grow()

    def resize(self, limit: int) -> None:
        """Run at most `limit` at once from now on; workers too many end when they have nothing in hand."""
        self._pool.resize(limit)
        with self._turn:
            self._help = False  # there may be room for more now
            if self.size and not self._leading:  # who could call for it may be busy for long
                self._call_help()

    def stop(self) -> list[Delivery]:
        """Start nothing more; what was fetched and not started is returned."""
        self._stopping = True
        with self._turn:
            self._turn.notify_all()
        return self.unstarted()

    def unstarted(self) -> list[Delivery]:
        """Take away what is ready and not started."""
        taken = []
        try:
            while True:
                taken.append(self.ready.popleft())
        except IndexError:
            return taken

    def drop(self, deliveries: Sequence[Delivery]) -> None:
        """The broker has lost these: take away what has not started."""
        for delivery in deliveries:
            try:
                self.ready.remove(delivery)
            except ValueError:  # it runs, or has run
                continue
            leave(delivery, None)

    def take_over(self, delivery: Delivery, outcome: Outcome) -> None:
        """Conclude a run whose thread hangs, on a new one that takes its place in the crew."""
        try:
            self._pool.start(lambda: self._work((delivery, outcome)))
        except Exception as error:
            logger.warning("%s: no thread to take over (%s); a message goes back", self._pool.context.name, error)
            self._left()
            self._call_help()
            self._settler.give_back([delivery])

    def join(self, seconds: float) -> bool:
        """Wait until all workers have ended, for at most `seconds`; whether they have."""
        deadline = self._clock.monotonic() + seconds
        with self._turn:
            while self.size:
                left = deadline - self._clock.monotonic()
                if left <= 0:
                    return False
                self._clock.wait(self._turn, left)
        return True

    @property
    def watched(self) -> bool:
        """Whether a single message may be running while nobody fetches."""
        return self.alone.watched

    def tick(self) -> None:
        """Send somebody to fetch where a run that was to be quick is not."""
        if self.alone.tick():
            self._call_help()

    def tend(self) -> None:
        """A tick, should there be no others; and another try where the last thread was lost and none could be had."""
        self.tick()
        if self._help and not self.size:
            self._call_help()

    # -- a worker ---------------------------------------------------------------------------------------------

    def _work(self, begun: tuple[Delivery, Outcome] | None = None) -> None:
        self._help = False  # who called for this worker has it; the next may be called for
        try:
            if begun is not None:
                self._settle(*begun)
            take = self.ready.popleft
            while True:
                try:
                    delivery = take()
                except IndexError:
                    if not self._refill():
                        return
                    continue
                if self.ready:
                    if not self._help:
                        self._call_help()
                elif not self._help and not self._leading:
                    self._run_single(delivery)
                    continue
                self._process(delivery)
        except Abandoned:  # another one has taken this one's place
            return
        except BaseException:
            self._left()
            self._call_help()  # somebody has to fetch
            raise

    def _run_single(self, delivery: Delivery) -> None:
        began = self._clock.monotonic()
        if self.alone.begin(delivery, began):
            self._settler.eager = False  # this thread fetches next, or a tick acknowledges
        else:
            self._call_help()
        try:
            self._process(delivery)
        finally:
            self.alone.end(delivery, began)

    def _process(self, delivery: Delivery) -> None:
        if delivery.plan.bare:
            outcome = run(delivery)
            if outcome is None:
                settler = self._settler
                if settler.needs_ack:
                    settler.acks.append(delivery)
                    if settler.eager:
                        settler.flush()
                self._intake.finished += 1
                return
        else:
            prepare(delivery)
            outcome = run(delivery)
        self._settle(delivery, outcome or SUCCESS)

    def _settle(self, delivery: Delivery, outcome: Outcome) -> None:
        work_out(delivery, outcome, self._conclude, self._settler)
        self._intake.finished += 1

    def _refill(self) -> bool:
        """Become the leader and fetch, or wait to be woken; False when this worker is to end."""
        with self._turn:
            self._help = False
            if self._stopping or self.size > self._pool.limit:
                self._left()
                return False
            follow = self._leading
            if follow:
                self.idle += 1
                woken = self._clock.wait(self._turn, IDLE)
                self.idle -= 1
                self._help = False
                if not woken and self._leading and not self.ready:
                    self._left()
                    return False
                return True
            self._leading = True
        self._lead()
        return True

    def _lead(self) -> None:
        try:
            if not self.ready:  # the last leader may have put something there just now
                self.ready.extend(self._intake.take(1 + self.idle))
        finally:
            self._leading = False
        if self._stopping and self.ready:  # `stop` was here before these
            self._settler.give_back(self.unstarted())

    # -- more workers --------------------------------------------------------------------------------------------

    def _call_help(self) -> None:
        with self._turn:
            if (self._help and self.size) or self._stopping:
                return
            self._help = True
            if self.idle:
                self._turn.notify()
                return
            try:
                self._grow()
            except Exception as error:
                logger.warning(
                    "%s: no further thread (%s); going on with %d", self._pool.context.name, error, self.size
                )

    def _grow(self) -> None:
        if self.size < self._pool.limit:
            self.size += 1
            try:
                self._pool.start(self._work)
            except Exception:  # not what a signal raises here: the thread has begun, and counts itself out
                self.size -= 1
                raise

    def _left(self) -> None:
        with self._turn:
            self.size -= 1
            self._help = False
            if self._stopping:
                self._turn.notify_all()
            elif not self._leading:
                self._turn.notify()  # who waits does so because somebody fetches
