"""The broker: one topic, and this process's consumer in one group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from funboost_core.errors import BrokerUnavailable
from funboost_core.native import Lock
from funboost_core.ports.broker import BrokerContext, Delivery, Outgoing, PullBroker

from .link import Link, attach, detach, servers_of
from .member import Member
from .names import topic_of
from .options import Options


class KafkaBroker(PullBroker):
    """A queue in a topic.  What cannot be said with a position is done by publishing again and then finishing."""

    def __init__(self, context: BrokerContext) -> None:
        super().__init__(context)
        options = context.options
        assert isinstance(options, Options)
        self._options = options
        self._servers = servers_of(context.settings)
        self._topic = topic_of(context.queue)
        self._attached: Link | None = None
        self._member: Member | None = None
        self._closed = False
        self._lock = Lock()  # guards the three

    def open(self) -> None:
        """Make the topic unless it is there; servers that are away just now may come, and whoever needs them says so.

        Raises:
            ConfigError: they refuse us, or what is set can never work.
        """
        try:
            self._ensure(self._topic)
        except BrokerUnavailable:
            pass

    def close(self) -> None:
        """Commit what is done, leave the group, and let go of the connections."""
        with self._lock:
            self._closed = True
            member, self._member = self._member, None
            link, self._attached = self._attached, None
        if member is not None:
            member.close()
        if link is not None:
            detach(link, self)

    def _stay_closed(self) -> None:
        """Nobody would end what another thread began after `close`: a consumer would keep its partitions for ever."""
        if self._closed:
            raise BrokerUnavailable(kind=self.context.kind, error=f"{self._topic} is closed here")

    @property
    def _link(self) -> Link:
        with self._lock:
            self._stay_closed()
            if self._attached is None:
                options = self._options
                config: dict[str, Any] = dict(options.producer_config)
                self._attached = attach(self._servers, config, options.publish_timeout, self)
            return self._attached

    def _ensure(self, topic: str) -> None:
        self._link.ensure(topic, self._options.num_partitions, self._options.replication_factor)

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """Publish a batch; all replicas in sync have it when this returns."""
        self._publish(messages, self._topic)

    def _publish(self, messages: Sequence[Outgoing], topic: str) -> None:
        if messages:
            self._ensure(topic)
            self._link.publish(topic, [message.body for message in messages])  # type: ignore[misc]

    def listen(self) -> None:
        """Join the group."""
        self._ensure(self._topic)
        with self._lock:
            self._stay_closed()
            self._member = Member(self._servers, self._topic, self._options, self.context.logger, self.lost)

    def fetch(self, limit: int, timeout: float) -> Sequence[Delivery]:
        """Messages of the partitions that are ours."""
        member = self._member
        return () if member is None else member.fetch(limit, timeout)

    def wake(self) -> None:
        """End a fetch that waits."""
        member = self._member
        if member is not None:
            member.wake()

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Finish these; their position is committed in the background, within milliseconds."""
        member = self._member
        if member is not None:
            member.finish(deliveries)

    def requeue(self, deliveries: Sequence[Delivery]) -> None:
        """Publish them again, then finish them: never lost, twice after a crash in between."""
        ours = self._held(deliveries)
        self._publish([Outgoing(delivery.body) for delivery in ours], self._topic)  # type: ignore[arg-type]
        self.ack(ours)

    def forward(self, delivery: Delivery, message: Outgoing, queue: str) -> None:
        """Publish to the topic of another queue, then finish: never lost, twice after a crash in between."""
        ours = self._held([delivery])
        if ours:
            self._publish([message], topic_of(queue))
            self.ack(ours)

    def _held(self, deliveries: Sequence[Delivery]) -> list[Delivery]:
        member = self._member
        return [] if member is None else member.held(deliveries)

    def count(self) -> int:
        """What the group has not committed: what waits, and what runs."""
        options = self._options
        return self._link.lag(self._topic, options.group_id, options.auto_offset_reset == "earliest")
