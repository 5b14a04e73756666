"""The broker: what this consumer holds, over queues that the environment's broker objects share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from funboost_core.native import Lock
from funboost_core.ports.broker import BrokerContext, Delivery, Outgoing, PullBroker

from .options import Options
from .queue import Queue

if TYPE_CHECKING:
    from funboost_core.environment import Environment

_queues: WeakKeyDictionary[Environment, dict[str, Queue]] = WeakKeyDictionary()
_lock = Lock()


def queue_of(environment: Environment, name: str) -> Queue:
    """The queue called `name` of this environment, made when missing."""
    with _lock:
        queues = _queues.setdefault(environment, {})
        if name not in queues:
            queues[name] = Queue(environment.clock)
        return queues[name]


class MemoryBroker(PullBroker):
    """A queue inside one process; bodies are passed as they are."""

    def __init__(self, context: BrokerContext) -> None:
        super().__init__(context)
        self._queue = queue_of(context.environment, context.queue)
        self._most = (context.options or Options()).pull_msg_batch_size
        # In the order of fetching; updated and emptied by single calls into C, so no lock is needed.
        self._held: dict[Delivery, None] = {}
        self._closed = False
        self._woken = False

    def close(self) -> None:
        """Return what was fetched and not acknowledged to the front of the queue."""
        self._closed = True
        self._return_held()
        self.wake()

    def _return_held(self) -> None:
        held = []  # one by one: a run that outlasts its consumer may be settling
        while self._held:
            try:
                held.append(_again(self._held.popitem()[0]))
            except KeyError:
                break
        self._queue.give_back(reversed(held))

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """See `Broker.publish`."""
        _publish(self._queue, messages)

    def fetch(self, limit: int, timeout: float) -> Sequence[Delivery]:
        """See `PullBroker.fetch`; at most `pull_msg_batch_size` messages."""
        limit = min(limit, self._most)
        taken = self._queue.take(limit)
        if not taken and timeout > 0:
            taken = self._queue.wait(limit, timeout, self._was_woken)
        if taken:
            self._held.update(dict.fromkeys(taken))
            if self._closed:  # while this thread was here: nobody would return them any more
                self._return_held()
                return ()
        return taken

    def _was_woken(self) -> bool:
        woken, self._woken = self._woken, False
        return woken

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """See `PullBroker.ack`."""
        forget = self._held.pop
        for delivery in deliveries:
            forget(delivery, None)

    def requeue(self, deliveries: Sequence[Delivery]) -> None:
        """See `PullBroker.requeue`; the messages go to the end of the queue, behind those of equal priority."""
        for delivery in deliveries:
            if self._release(delivery):
                self._queue.put(_again(delivery), None)

    def forward(self, delivery: Delivery, message: Outgoing, queue: str) -> None:
        """See `PullBroker.forward`."""
        if self._release(delivery):
            _publish(queue_of(self.context.environment, queue), (message,))

    def _release(self, delivery: Delivery) -> bool:
        """Give up a message; False when it is not held any more, so that of two calls only one succeeds."""
        try:
            del self._held[delivery]
        except KeyError:
            return False
        return True

    def wake(self) -> None:
        """See `PullBroker.wake`; a `fetch` that is just about to wait does not."""
        self._woken = True
        self._queue.wake_all()

    def count(self) -> int:
        """Messages that are not fetched, those not yet due included."""
        return len(self._queue)

    def purge(self) -> None:
        """See `Broker.purge`."""
        self._queue.clear()


def _publish(queue: Queue, messages: Sequence[Outgoing]) -> None:
    for message in messages:
        if message.priority or message.due is not None or message.attempts:
            queue.put(Delivery(message.body, message.priority, message.attempts + 1), message.due)
        else:
            queue.append(message.body)
    if queue.waiting:
        queue.announce(len(messages))


def _again(delivery: Delivery) -> Delivery:
    """The message as it came: what the core noted on the delivery belongs to the run that is over."""
    return Delivery(delivery.body, delivery.tag, delivery.attempts)
