"""Where a user-written loop meets the core: nothing passes before the core has asked for it."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from itertools import islice
from typing import TYPE_CHECKING, Any, Callable

from funboost_core.native import Condition, Thread
from funboost_core.ports.broker import Delivery

if TYPE_CHECKING:
    from logging import Logger

    from funboost_core.clock import Clock

RESTART = 1.0
"""Seconds after which a loop that has ended is called again."""


class Stopped(BaseException):
    """Ends a user-written loop when its consumer stops; no Exception, so that the loop does not catch it."""


class HandOver:
    """`submit` waits until `take` wants the message: what the loop has in hand is all that is ahead."""

    def __init__(self, clock: Clock, give_back: Callable[[Delivery], None]) -> None:
        self._clock = clock
        self._give_back = give_back
        self._changed = Condition()
        self._offers: dict[Delivery, None] = {}
        self._woken = False
        self._refused = False
        self.closed: bool = False

    # -- the user's side --------------------------------------------------------------------------------------------

    def submit(self, kw: Any) -> None:
        """Offer a message and wait until it is taken.

        Raises:
            Stopped: the consumer has stopped; the message has been given back.
        """
        body = kw.get("body") if isinstance(kw, dict) else None
        if isinstance(body, (bytearray, memoryview)):
            body = bytes(body)
        if not isinstance(body, (str, bytes, dict)):
            raise TypeError(f'_submit_task takes {{"body": text, bytes or dict, ...}}, not {kw!r}')
        delivery = Delivery(body, tag=kw)
        with self._changed:
            self._offers[delivery] = None
            self._changed.notify_all()
            while delivery in self._offers and not self.closed:
                self._changed.wait()
            if self._offers.pop(delivery, self) is self:  # taken
                return
            again, self._refused = self._refused, True
        self._give_back(delivery)
        if again:  # a loop that catches everything would take and return messages as fast as it can
            self._clock.sleep(RESTART)
        raise Stopped

    def rest(self) -> None:
        """Wait for `RESTART` seconds, or until it is closed."""
        deadline = self._clock.monotonic() + RESTART
        with self._changed:
            while not self.closed:
                left = deadline - self._clock.monotonic()
                if left <= 0:
                    return
                self._clock.wait(self._changed, left)

    # -- the core's side --------------------------------------------------------------------------------------------

    def take(self, limit: int, timeout: float) -> Sequence[Delivery]:
        """Up to `limit` of the messages that are offered, waiting at most `timeout` seconds for the first."""
        deadline = self._clock.monotonic() + timeout
        with self._changed:
            while not (self._offers or self._woken or self.closed):
                left = deadline - self._clock.monotonic()
                if left <= 0:
                    break
                self._clock.wait(self._changed, left)
            self._woken = False
            taken = list(islice(self._offers, limit)) if not self.closed else []
            for delivery in taken:
                del self._offers[delivery]
            if taken:
                self._changed.notify_all()
            return taken

    def wake(self) -> None:
        """Make `take` return."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def close(self) -> None:
        """Take nothing any more: who submits is told to stop."""
        with self._changed:
            self.closed = True
            self._changed.notify_all()


feeding: ContextVar[HandOver | None] = ContextVar("funboost_feeding", default=None)
"""Where the loop on this thread hands its messages over: one of an earlier consumer must not feed the next."""


def feed(loop: Callable[[], Any], hand_over: HandOver, name: str, logger: Logger) -> Thread:
    """Run `loop` on a thread of its own, again and again, until `hand_over` is closed."""

    def run() -> None:
        feeding.set(hand_over)
        while not hand_over.closed:
            try:
                loop()
            except Stopped:
                return
            except BaseException:  # SystemExit of the user's too: the queue must not go deaf
                logger.exception("%s: the loop that takes messages failed; once more in %.0f s.", name, RESTART)
            else:
                logger.warning("%s: the loop that takes messages returned; once more in %.0f s.", name, RESTART)
            hand_over.rest()

    thread = Thread(target=run, name=f"funboost-{name}-loop", daemon=True)
    thread.start()
    return thread
