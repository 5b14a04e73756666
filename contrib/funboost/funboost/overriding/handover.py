"""Where a user-written loop meets the core: nothing passes before the core has asked for it."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Callable

from funboost_core.consuming.sink import Sink, fill
from funboost_core.ports.broker import Delivery

if TYPE_CHECKING:
    from funboost_core.native import Thread
    from funboost_core.ports.broker import BrokerContext

RESTART = 1.0
"""Seconds after which a loop that has ended is called again."""


class Stopped(BaseException):
    """Ends a user-written loop when its consumer stops; no Exception, so that the loop does not catch it."""


class HandOver(Sink):
    """A sink without credit: `submit` waits until `take` wants the message; what the loop has in hand is all that is ahead."""

    def __init__(self, context: BrokerContext, give_back: Callable[[Delivery], None]) -> None:
        super().__init__(context.clock)
        self._give_back = give_back
        self._told = False

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
            self._offer(delivery)
            while delivery in self._offers and not self.stop.is_set():
                self._changed.wait()
            if self._offers.pop(delivery, self) is self:  # taken
                return
            again, self._told = self._told, True
        self._give_back(delivery)
        if again:  # a loop that catches everything would take and return messages as fast as it can
            self._clock.sleep(RESTART)
        raise Stopped


feeding: ContextVar[HandOver | None] = ContextVar("funboost_feeding", default=None)
"""Where the loop on this thread hands its messages over: one of an earlier consumer must not feed the next."""


def feed(loop: Callable[[], Any], hand_over: HandOver, context: BrokerContext) -> Thread:
    """Run `loop` on a thread of its own, again and again, until `hand_over` is closed."""

    def run() -> None:
        feeding.set(hand_over)
        loop()

    return fill(hand_over, run, context, (RESTART, RESTART))
