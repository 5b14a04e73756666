"""A broker in memory that records what is asked of it and fails on demand."""

from __future__ import annotations

from collections import defaultdict, deque

from funboost_core import BrokerSpec, Capability, Delivery, PullBroker, hookimpl
from funboost_core.native import Condition

ALL = (
    Capability.ACK
    | Capability.REQUEUE
    | Capability.PUBLISH
    | Capability.PRIORITY
    | Capability.DELAY
    | Capability.COUNT
    | Capability.PURGE
    | Capability.SECOND_QUEUE
    | Capability.CROSS_PROCESS
    | Capability.THREADSAFE_ACK
)


class Server:
    """The queues that all `TinyBroker` objects of one test share.

    `failing` holds what the next operations raise: ``server.failing["ack"] = [ConnectionError("away")]``.
    """

    def __init__(self):
        self.queues = defaultdict(deque)
        self.changed = Condition()
        self.failing = defaultdict(list)
        self.brokers = []
        self.fetches = []  # (limit, number fetched)
        self.acks = []  # batches of bodies

    def fail(self, operation):
        with self.changed:
            if self.failing[operation]:
                self.changed.notify_all()
                raise self.failing[operation].pop(0)

    def put(self, queue, *bodies, attempts=1):
        with self.changed:
            for body in bodies:
                self.queues[queue].append((body, attempts))
            self.changed.notify_all()

    def bodies(self, queue):
        return [body for body, _ in self.queues[queue]]

    @property
    def acked(self):
        return [body for batch in self.acks for body in batch]


class TinyBroker(PullBroker):
    """One queue of a `Server`."""

    server: Server

    def __init__(self, context):
        super().__init__(context)
        self.sent = []
        self.unacked = {}
        self._tags = 0
        self._woken = False
        self.closed = False
        self.listened = 0
        self.server.brokers.append(self)

    def publish(self, messages):
        self.server.fail("publish")
        self.sent.extend(messages)
        self.server.put(self.context.queue, *[message.body for message in messages])

    def listen(self):
        self.server.fail("listen")
        self.listened += 1

    def fetch(self, limit, timeout):
        self.server.fail("fetch")
        queue = self.server.queues[self.context.queue]
        with self.server.changed:
            if not queue and timeout and not self._woken:
                self.context.clock.wait(self.server.changed, timeout)
            self._woken = False
            found = []
            while queue and len(found) < limit:
                body, attempts = queue.popleft()
                self._tags += 1
                delivery = Delivery(body, self._tags, attempts)
                self.unacked[delivery.tag] = delivery
                found.append(delivery)
            self.server.fetches.append((limit, len(found)))
            return found

    def ack(self, deliveries):
        self.server.fail("ack")
        with self.server.changed:
            known = [delivery for delivery in deliveries if self.unacked.pop(delivery.tag, None) is not None]
            if known:
                self.server.acks.append([delivery.body for delivery in known])
            self.server.changed.notify_all()

    def requeue(self, deliveries):
        self.server.fail("requeue")
        with self.server.changed:
            for delivery in deliveries:
                if self.unacked.pop(delivery.tag, None) is not None:
                    self.server.queues[self.context.queue].append((delivery.body, delivery.attempts))
            self.server.changed.notify_all()

    def forward(self, delivery, message, queue):
        self.server.fail("forward")
        if self.unacked.pop(delivery.tag, None) is None:
            return
        self.sent.append(message)
        self.server.put(queue, message.body)

    def count(self):
        return len(self.server.queues[self.context.queue])

    def purge(self):
        self.server.queues[self.context.queue].clear()

    def wake(self):
        with self.server.changed:
            self._woken = True
            self.server.changed.notify_all()

    def close(self):
        self.closed = True
        self.requeue(list(self.unacked.values()))


class TinyPlugin:
    """Declares the broker kind TINY (all capabilities) and others with less."""

    def __init__(self, server):
        self.factory = type("TinyBroker", (TinyBroker,), {"server": server})

    @hookimpl
    def funboost_brokers(self):
        kinds = {
            "TINY": ALL,
            "BARE": Capability.ACK | Capability.PUBLISH | Capability.REQUEUE | Capability.THREADSAFE_ACK,
            "FETCHER_ONLY": ALL & ~Capability.THREADSAFE_ACK,
            "DELAYING": ALL & ~Capability.SECOND_QUEUE,
            "OBJECTS": ALL | Capability.OBJECTS,
            "BARE_OBJECTS": Capability.ACK | Capability.PUBLISH | Capability.THREADSAFE_ACK | Capability.OBJECTS,
            "NO_ACK": ALL & ~Capability.ACK,
            "MUTE": ALL & ~(Capability.PUBLISH | Capability.PURGE | Capability.COUNT),
        }
        return [BrokerSpec(kind, self.factory, capabilities) for kind, capabilities in kinds.items()]
