"""Where what pushes messages meets what asks for them: a buffer that is no larger than what is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Callable

from ..errors import BrokerUnavailable, text_of
from ..native import Condition, Event, Thread, off_hub
from .restarting import PAUSES, keep_running

if TYPE_CHECKING:
    from ..clock import Clock
    from ..ports.broker import BrokerContext, Delivery


class Sink:
    """What `PushBroker.run` puts messages into, and who fetches takes them out of.

    An ask opens credit for its limit, and what it takes uses that up: once all that could start has been taken, nothing
    is welcome until the next ask.  So slow tasks have nothing ahead of them and fast ones a batch.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._changed = Condition()
        self._offers: dict[Delivery, None] = {}
        self._wanted = 0
        self._woken = False
        self._shut = False
        self._lost: set[Delivery] = set()
        self.stop: Event = Event()
        self.accepted: int = 0
        self.refused: int = 0
        self.left: list[Delivery] = []
        self.asked: int = 0

    # -- the broker's side: see `ports.push.Sink` -------------------------------------------------------------------

    def put(self, delivery: Delivery) -> bool:
        """Accept a message if there is credit."""
        with self._changed:
            if len(self._offers) >= self._wanted:
                self.refused += 1
                return False
            self._offer(delivery)
            return True

    def credit(self) -> int:
        """How many more are welcome."""
        return max(0, self._wanted - len(self._offers))

    def wait(self, timeout: float) -> int:
        """The credit, waiting for some.  Greenlets beside the caller go on."""
        return off_hub(self._wait, timeout)

    def _wait(self, timeout: float) -> int:
        deadline = self._clock.monotonic() + timeout
        with self._changed:
            while not self.stop.is_set():
                credit, left = self.credit(), deadline - self._clock.monotonic()
                if credit or left <= 0:
                    return credit
                self._clock.wait(self._changed, left)
        return 0

    def lost(self, deliveries: Sequence[Delivery]) -> None:
        """Drop what is here; remember the others until they are settled."""
        for delivery in deliveries:
            delivery.lost = True
        with self._changed:
            self._lost.update(delivery for delivery in deliveries if self._offers.pop(delivery, self) is self)

    def leave(self, deliveries: Sequence[Delivery]) -> None:
        """Keep them for who closes."""
        self.left.extend(deliveries)

    def _offer(self, delivery: Delivery) -> None:
        first = not self._offers
        self._offers[delivery] = None
        self.accepted += 1
        if first:
            self._changed.notify_all()

    # -- the core's side --------------------------------------------------------------------------------------------

    def take(self, limit: int, timeout: float) -> Sequence[Delivery]:
        """Up to `limit` messages, waiting at most `timeout` seconds for the first."""
        deadline = self._clock.monotonic() + timeout
        with self._changed:
            self.asked += 1
            if limit > self._wanted and not self._shut:
                self._wanted = limit
                self._changed.notify_all()
            while not (self._offers or self._woken or self.stop.is_set()):
                left = deadline - self._clock.monotonic()
                if left <= 0:
                    break
                self._clock.wait(self._changed, left)
            if timeout:
                self._woken = False
            taken = list(islice(self._offers, limit)) if not self.stop.is_set() else []
            for delivery in taken:
                del self._offers[delivery]
            if taken:
                self._wanted = min(self._wanted, limit - len(taken))
                self._changed.notify_all()
            return taken

    def put_back(self, deliveries: Sequence[Delivery]) -> bool:
        """Offer messages again, whatever the credit; False when nobody will take any."""
        with self._changed:
            if self._shut:
                return False
            for delivery in deliveries:
                self._offer(delivery)
            return True

    def recall(self) -> list[Delivery]:
        """Take away what nobody has asked for, and the credit."""
        with self._changed:
            self._wanted = 0
            recalled = list(self._offers)
            self._offers.clear()
            return recalled

    def ours(self, deliveries: Sequence[Delivery]) -> Sequence[Delivery]:
        """Those that may be settled: without the lost ones, which are forgotten with this."""
        if not self._lost:
            return deliveries
        with self._changed:
            ours = [delivery for delivery in deliveries if delivery not in self._lost]
            self._lost.difference_update(deliveries)
        return ours

    def wake(self) -> None:
        """Make `take` return; nothing is welcome until the next one."""
        with self._changed:
            self._woken = True
            self._wanted = 0
            self._changed.notify_all()

    def shut(self) -> list[Delivery]:
        """Accept nothing any more; what nobody has taken."""
        with self._changed:
            self._shut = True
            return self.recall()

    def close(self) -> None:
        """End all waiting."""
        with self._changed:
            self._shut = True
            self._wanted = 0
            self.stop.set()
            self._changed.notify_all()

    def rest(self, seconds: float) -> None:
        """Wait, until it is closed at the latest."""
        deadline = self._clock.monotonic() + seconds
        with self._changed:
            while not self.stop.is_set():
                left = deadline - self._clock.monotonic()
                if left <= 0:
                    return
                self._clock.wait(self._changed, left)


def fill(
    sink: Sink, loop: Callable[[], object], context: BrokerContext, pauses: tuple[float, float] = PAUSES
) -> Thread:
    """Call `loop`, which fills `sink`, on a thread of its own, again whenever it ends, until `sink` is closed."""
    name = context.queue

    def tell(error: BaseException | None, pause: float) -> None:
        if error is None:
            context.logger.warning("%s: the loop that takes messages returned; once more in %g s", name, pause)
            error = BrokerUnavailable(kind=context.kind, error="the loop that takes messages returned")
        else:
            known = isinstance(error, BrokerUnavailable)
            text = f"{type(error).__name__}: {text_of(error)}"
            context.logger.warning(
                "%s: the loop that takes messages failed (%s); once more in %g s",
                name,
                text,
                pause,
                exc_info=None if known else error,
            )
        context.environment.worker.trouble(error)

    def run() -> None:
        keep_running(loop, sink.stop, context.clock, tell, sink.rest, lambda: sink.accepted, pauses)

    thread = Thread(target=run, name=f"funboost-{name}-loop", daemon=True)
    thread.start()
    return thread
