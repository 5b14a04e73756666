"""A broker of one's own by example: a list in Redis whose newest message is consumed first.

What was taken is lost when the process dies; for at least once, override a broker that acknowledges instead.

Example::

    @boost(BoosterParams(queue_name="prices", broker_kind=BROKER_KIND_REDIS_CONSUME_LATEST))
    def show(price): ...
"""

from __future__ import annotations

import json
from typing import Any

from funboost_core.ports.capability import Capability

from ..overriding.consumer import EmptyConsumer
from ..overriding.kinds import register_custom_broker
from ..overriding.publisher import EmptyPublisher
from ..utils.redis_manager import RedisMixin

__all__ = ["BROKER_KIND_REDIS_CONSUME_LATEST", "RedisConsumeLatestConsumer", "RedisConsumeLatestPublisher"]

BROKER_KIND_REDIS_CONSUME_LATEST = "BROKER_KIND_REDIS_CONSUME_LATEST"


class RedisConsumeLatestPublisher(EmptyPublisher, RedisMixin):
    """Puts messages at the left end of the list."""

    CAPABILITIES = Capability.CROSS_PROCESS | Capability.CROSS_HOST | Capability.PERSISTENT

    def concrete_realization_of_publish(self, msg: str) -> Any:
        """LPUSH."""
        self.redis_db_frame.lpush(self.queue_name, msg)

    def clear(self) -> None:
        """DEL."""
        self.redis_db_frame.delete(self.queue_name)

    def get_message_count(self) -> int:
        """LLEN."""
        return int(self.redis_db_frame.llen(self.queue_name))

    def close(self) -> None:
        """The connections are the process's."""


class RedisConsumeLatestConsumer(EmptyConsumer, RedisMixin):
    """Takes them from the left end too."""

    def _dispatch_task(self) -> None:
        while True:
            taken: Any = self.redis_db_frame.blpop([self.queue_name], timeout=5)
            if taken:
                self._submit_task({"body": taken[1]})

    def _confirm_consume(self, kw: dict[str, Any]) -> None:
        """It has left the list already."""

    def _requeue(self, kw: dict[str, Any]) -> None:
        self.redis_db_frame.rpush(self.queue_name, json.dumps(kw["body"], ensure_ascii=False))


register_custom_broker(BROKER_KIND_REDIS_CONSUME_LATEST, RedisConsumeLatestPublisher, RedisConsumeLatestConsumer)
