"""Queues on the nodes of a cluster: which can be there, and how a message gets from one node to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from funboost_core.errors import ConfigError

from ..finders import slot_of

if TYPE_CHECKING:
    from .base import StoredBroker
    from .names import QueueKeys


def check(kind: str, keys: QueueKeys, confirmed: bool) -> None:
    """Refuse what cannot work on a cluster.

    Raises:
        ConfigError: the keys of the queue would be on several nodes, or nobody would hear that they have moved.
    """
    if len({slot_of(key) for key in (*keys.lists, keys.held)}) > 1:
        raise ConfigError(
            f"The queue {keys.queue!r} of {kind} has several lists, which a Redis Cluster keeps on several nodes, so that "
            f"no step could use all of them. Write its name in braces: queue_name='{{orders}}', or leave out x-max-priority."
        )
    if not confirmed:
        raise ConfigError(
            f"The queue {keys.queue!r} has confirmed=False, and its server is a Redis Cluster: when its keys move to "
            "another node, nobody would hear that the old one refuses them. Leave it out; push_many is fast and confirmed."
        )


class Others:
    """Brokers of the same kind for queues on other nodes, made when they are first needed."""

    def __init__(self, broker: StoredBroker) -> None:
        self._broker = broker
        self._made: dict[str, StoredBroker] = {}

    def of(self, queue: str) -> StoredBroker | None:
        """The one for `queue`; None where it is on the same node as the broker's own."""
        context = self._broker.context
        if slot_of(queue) == slot_of(context.queue):
            return None
        other = self._made.get(queue)
        if other is None:
            its = type(context)(context.kind, queue, context.options, context.environment, context.logger)
            other = self._made.setdefault(queue, type(self._broker)(its))
        return other

    def close(self) -> None:
        """Let go of their connections."""
        while self._made:
            self._made.popitem()[1].close()
