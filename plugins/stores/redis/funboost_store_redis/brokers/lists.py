"""Queues of lists with acknowledgement: claims, fencing, recovery, delay."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from time import monotonic
from typing import Generic, TypeVar

from funboost_core.ports.broker import BrokerContext, Delivery, Outgoing

from ..errors import RedisUnavailable
from .base import StoredBroker, arrival
from .claims import Claimant, Claims
from .options import OwnerOptions
from .watch import Watch

SOON = 1.0
"""Seconds: a wait may last as long, so a message that falls due earlier ends it."""


C = TypeVar("C", bound=Claimant)


class OwnedBroker(StoredBroker, Generic[C]):
    """A queue whose messages are its consumer's until they are acknowledged."""

    def __init__(self, context: BrokerContext) -> None:
        super().__init__(context)
        self._claims: C | None = None
        self._watch: Watch | None = None
        self._plenty = True  # whether the next fetch is likely to get something at once

    def listen(self) -> None:
        """Register as a consumer and recover what dead ones held."""
        self._registered()
        self.maintain()

    @abstractmethod
    def make_claims(self) -> C:
        """A new consumer, which the server does not know yet."""

    def _registered(self) -> C:
        """The consumer, which the server knows."""
        known = self._claims
        if known is not None:
            return known
        options = self.context.options
        assert isinstance(options, OwnerOptions)
        with self._making:
            self.refuse_late()
            beat = float(self.context.settings("BEAT_SECONDS", 1.0))
            claims = self.make_claims()
            watch = Watch(claims, self._keys, beat, options.lease_seconds, self.context.logger)
            try:
                watch.enter()
            except BaseException:
                watch.close()
                raise
            self._claims, self._watch = claims, watch
        return claims

    def _again(self) -> None:
        """This consumer was taken for dead: what it held is no longer its own."""
        with self._making:
            self.refuse_late()
            claims, watch = self._claims, self._watch
            assert claims is not None
            assert watch is not None
            self.context.logger.warning(
                "queue %s: consumer %s was taken for dead and registers again", self._keys.queue, claims.id
            )
            watch.enter()

    def close(self) -> None:
        """Give back what is not acknowledged and let go of the connections."""
        with self._making:
            self._closed = True  # from now on nobody registers
            claims, watch, self._claims, self._watch = self._claims, self._watch, None, None
        try:
            if claims is not None and not claims.server.closed:
                claims.leave()
        except RedisUnavailable as error:
            self.context.logger.warning("queue %s: %s Others will give back what is held.", self._keys.queue, error)
        finally:
            if watch is not None:
                watch.close()
            super().close()

    # -- fetching -----------------------------------------------------------------------------------------------------

    def turn(self, done: Sequence[Delivery], limit: int) -> Sequence[Delivery]:
        """Acknowledge `done` and claim what is there, in one call."""
        claims = self._registered()
        limit = min(limit, self._most)
        found = claims.take(done, limit)
        if found is None:
            self._again()
            found = claims.take((), limit)
        self._plenty = bool(found) and (not self.fetch_looks or len(found or ()) >= limit)
        return found or ()

    def fetch(self, limit: int, timeout: float) -> Sequence[Delivery]:
        """Claim up to `limit` messages, waiting at most `timeout` seconds for the first."""
        return self.wait((), limit, timeout)

    def wait(self, done: Sequence[Delivery], limit: int, timeout: float) -> Sequence[Delivery]:
        """Acknowledge `done`, and `fetch`."""
        if self._plenty or timeout <= 0:
            found, done = self.turn(done, limit), ()
            if found or timeout <= 0:
                return found
        claims = self._registered()
        deadline = monotonic() + timeout
        while True:
            left = deadline - monotonic()
            if left <= 0 or claims.waiter.roused():
                claims.forget(done)
                return ()
            limit = min(limit, self._most)
            got = claims.wait(done, limit, min(left, SOON))
            done = ()
            if got:
                self._plenty = not self.fetch_looks or len(got) >= limit
                return got
            if got is None:
                self._again()

    def wake(self) -> None:
        """End a fetch that waits, or the next one that would."""
        claims = self._claims
        if claims is not None:
            claims.waiter.wake()

    # -- settling -----------------------------------------------------------------------------------------------------

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Forget these messages for good."""
        claims = self._claims
        if deliveries and claims is not None:
            claims.forget(deliveries)

    def maintain(self) -> None:
        """Give a sign of life; recover what consumers held whose process has ended."""
        watch = self._watch
        if watch is not None:
            watch.beat()


class AckListBroker(OwnedBroker[Claims]):
    """A queue of lists with acknowledgement.  `scripts` explains the keys."""

    def __init__(self, context: BrokerContext) -> None:
        super().__init__(context)
        self.fetch_looks = len(self._keys.lists) == 1  # one waits at that list, else at the bell only

    def make_claims(self) -> Claims:
        """See `OwnedBroker.make_claims`."""
        return Claims(self._server, self._keys, self.scripts)

    def requeue(self, deliveries: Sequence[Delivery]) -> None:
        """Give messages back: to the front; those that were given back once already, behind the others."""
        claims = self._claims
        if deliveries and claims is not None:
            names = [claims.held, self._keys.returned, *self._keys.lists]
            claims.server.run(self.scripts.requeue, names, [delivery.tag for delivery in deliveries])

    def forward(self, delivery: Delivery, message: Outgoing, queue: str) -> None:
        """Publish `message` to `queue` and acknowledge `delivery` in one step; nothing if it was given away."""
        claims, target, due = self._claims, self.keys_of(queue), message.due
        if claims is None or self.hand_over(delivery, message, queue):
            return
        names = [
            claims.held,
            self._keys.attempts,
            target.of_priority(message.priority),
            target.delayed,
            target.attempts,
        ]
        claims.server.run(self.scripts.forward, names, [delivery.tag, *arrival(message)])
        if due is not None and due - self.context.clock.time() < SOON:
            claims.waiter.wake()

    def holds(self, delivery: Delivery) -> bool:
        """See `StoredBroker.holds`."""
        claims = self._claims
        return claims is not None and bool(claims.server.ask("HEXISTS", claims.held, delivery.tag))
