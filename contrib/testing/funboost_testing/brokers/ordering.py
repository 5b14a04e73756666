"""Priorities."""

from __future__ import annotations

from funboost_core import Capability, PullBroker

from .base import BrokerSuite, MakeBroker, lacks, needs


class OrderingTests(BrokerSuite):
    """Higher first, equal in order."""

    @needs(Capability.PRIORITY)
    def test_higher_priorities_are_fetched_first(self, publisher: PullBroker, consumer: PullBroker) -> None:
        """Within one priority first in, first out."""
        for name, priority in (("a0", 0), ("b1", 1), ("c3", 3), ("d1", 1), ("e0", 0), ("f3", 3)):
            self.send(publisher, name, priority=priority)
        got: list[str] = []
        for _ in range(6):
            deliveries = self.collect(consumer, 1, limit=1)
            got += self.read(deliveries)
            consumer.ack(deliveries)
        assert got == ["c3", "f3", "b1", "d1", "a0", "e0"], f"priorities were ignored: {got}"

    @lacks(Capability.PRIORITY)
    def test_priority_is_declared_where_it_is_there(self, publisher: PullBroker, consumer: PullBroker) -> None:
        """Or the core refuses what the broker could do."""
        for priority in range(5):
            self.send(publisher, priority, priority=priority)
        got = self.read(self.collect(consumer, 5, limit=1))
        assert got != [4, 3, 2, 1, 0], "priorities are honoured, but PRIORITY is not declared"

    @needs(Capability.PRIORITY, Capability.ACK)
    def test_what_comes_back_keeps_its_priority(self, make: MakeBroker, publisher: PullBroker) -> None:
        """A crash does not demote a message."""
        self.send(publisher, "low", priority=1)
        self.send(publisher, "high", priority=5)
        first = make()
        first.listen()
        self.collect(first, 2)
        first.close()
        second = make()
        second.listen()
        self.send(publisher, "middle", priority=3)
        got = self.read(self.collect(second, 3, limit=1))
        assert got == ["high", "middle", "low"], f"what came back has lost its priority: {got}"
