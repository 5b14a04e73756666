"""Taking messages in: gate, fetch (with the acknowledgements of the last batch), admit.

How many are taken adapts: no more than the threads that wait, or what the measured rate starts within a few
milliseconds, so that short tasks move in batches and two consumers share long ones evenly.  A broker that takes long to
answer (a network, a disk flush) is asked for so many that the tasks, not the broker, take most of the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..ports.broker import Delivery, PullBroker
    from ..task import Task
    from .gate import Gate
    from .permits import Permits
    from .receiving import Receiver
    from .settling import Settler

WINDOW = 0.005
"""Seconds over which the rate is measured, and for which messages are held."""
FAST = 5000.0
"""Completions per second from which on acknowledgements ride on the next fetch."""
TRIP_SHARE = 0.25
"""Most of the time that is spent on the broker, while that does not mean to hold messages for longer than LONGEST."""
LONGEST = 0.1
"""Most seconds for which messages are held because the broker is slow."""
WAIT = 1.0
"""Most seconds of one wait for messages."""
CALM = 0.1
"""Seconds for which nothing is fetched when messages are only put back."""
BATCH = 100


class Intake:
    """The only one that fetches for a consumer; used by one thread at a time."""

    def __init__(self, task: Task, broker: PullBroker, gate: Gate, receiver: Receiver, settler: Settler) -> None:
        self._task = task
        self._broker = broker
        self._gate = gate
        self._receiver = receiver
        self._settler = settler
        self._clock = task.environment.clock
        self._batch = int(getattr(task.options, "pull_msg_batch_size", None) or BATCH)
        self._listening = False
        self._failures = 0
        self._error = ""
        self._rate = 0.0
        self._trip = 0.0  # seconds that the broker took to answer last
        self._drained = False  # whether the broker had fewer messages than were asked for
        self._sampled = (self._clock.monotonic(), 0)
        self.fetched: int = 0
        self._before = 0  # `fetched`, when the last `take` began
        self._put_backs = self._finished_then = 0
        self.finished = 0  # counted by whoever finishes a message; close enough without a lock
        self.progress: float = self._clock.monotonic()  # when the broker last answered: the watchdog looks at it

    def take(self, free: int, permits: Permits | None = None, wait: float = WAIT) -> Sequence[Delivery]:
        """Messages to run now: about as many as can start at once (`free`) or soon.

        With `permits`, each message that is returned has one, reserved before it was fetched.  () when stopped, or when
        none came within `wait` seconds.  Never raises: a broker that fails is asked again after a growing pause.
        """
        self._before = self.fetched
        if self._settler.put_backs != self._put_backs:
            self._calm(wait)
        if self._gate.may_wait:
            self._settler.flush()  # the gate may hold us for long
        permitted = self._gate.permit(wait > 0)
        if not permitted:
            return ()
        limit, wait = min(permitted, self._limit(free)), min(wait, self._gate.holds)
        if permits is None:
            return self._admitted(self._fetch(limit, wait))
        reserved = permits.reserve(limit, self._stopped)
        deliveries: Sequence[Delivery] = self._fetch(reserved, 0) if reserved else ()
        if reserved and not deliveries:  # while nothing is there, others may use the permits
            permits.release(reserved)
            deliveries = self._fetch(1, wait)
            reserved = permits.reserve(1, self._stopped) if deliveries else 0
        ready = self._admitted(deliveries)
        permits.release(reserved - len(ready))
        return ready

    def _calm(self, wait: float) -> None:
        """Wait a moment where all that was done since the last time was to put messages back."""
        put_backs, finished = self._settler.put_backs, self.finished
        only = put_backs - self._put_backs >= finished - self._finished_then
        self._put_backs, self._finished_then = put_backs, finished
        if only and wait:
            self._settler.flush()
            self._gate.hold(CALM)

    def _stopped(self) -> bool:
        return self._gate.stopped

    def _admitted(self, deliveries: Sequence[Delivery]) -> Sequence[Delivery]:
        if not deliveries:
            return ()
        starts = self._gate.confirm(len(deliveries))
        if starts < len(deliveries):
            self._settler.give_back(list(deliveries[starts:]))
            if not starts:
                return ()
            deliveries = deliveries[:starts]
        ready = [delivery for delivery in deliveries if self._receiver.admit(delivery)]
        self._gate.used(len(ready))
        trouble = self._receiver.trouble
        if trouble is not None:
            self._receiver.trouble = None
            if not ready:  # otherwise they must start first; what was given back comes again
                self._back_off(trouble)
        return ready

    def _fetch(self, limit: int, wait: float) -> Sequence[Delivery]:
        try:
            if not self._listening:
                self._broker.listen()
                self._listening = True
            deliveries = self._ask(limit, wait)
        except Exception as error:
            self._back_off(error)
            return ()
        self._failures = 0
        self.fetched += len(deliveries)
        self.progress = self._clock.monotonic()
        return deliveries

    def _ask(self, limit: int, wait: float) -> Sequence[Delivery]:
        self._settler.settle_deferred()
        done = self._settler.take_acks()
        try:
            if not wait or not (self._drained and self._broker.fetch_looks):  # else `wait` does, in one trip
                asked = self._clock.monotonic()
                deliveries = self._broker.turn(done, limit)
                self._trip = self._clock.monotonic() - asked
                self._drained = len(deliveries) < limit
                if deliveries or not wait or self._gate.shut:  # who has shut it has woken us, maybe from that look
                    return deliveries
                done = []
            self._settler.eager = True  # nothing would carry what is acknowledged while we wait
            done += self._settler.take_acks()
            deliveries = self._broker.wait(done, limit, wait) if done else self._broker.fetch(limit, wait)
        except Exception:
            self._settler.acks.extend(done)
            raise
        self._drained = len(deliveries) < limit
        if deliveries:
            self._gate.rested()
        return deliveries

    def _limit(self, free: int) -> int:
        now, (then, before) = self._clock.monotonic(), self._sampled
        elapsed = now - then
        if elapsed >= WINDOW:
            self._rate = (self.finished - before) / elapsed
            self._sampled = (now, self.finished)
            # one more trip for each acknowledgement must not slow the tasks down
            eager = self._rate < FAST and self._rate * self._trip < TRIP_SHARE
            was, self._settler.eager = self._settler.eager, eager
            if was and not eager:  # not before it says so: ticks end where nobody needs them
                self._task.environment.worker.hurry()
        window = max(WINDOW, min(LONGEST, self._trip / TRIP_SHARE))
        return max(1, min(self._batch, max(free, int(self._rate * window))))

    @property
    def held(self) -> int:
        """What the last `take` has fetched: until the next one it may be neither in the queue any more nor run yet."""
        return self.fetched - self._before

    @property
    def trouble(self) -> str:
        """Why nothing can be fetched; "" while all is well."""
        return self._error if self._failures else ""

    def _back_off(self, error: BaseException) -> None:
        self._failures += 1
        self._error = f"{type(error).__name__}: {error}"
        pause = min(30.0, 0.05 * 2 ** min(self._failures, 10))
        self._task.logger.warning(
            "%s: the broker failed (%s: %s); trying again in %.1f s",
            self._task.queue_name,
            type(error).__name__,
            error,
            pause,
        )
        self._task.environment.worker.trouble(error)
        self._gate.hold(pause)
