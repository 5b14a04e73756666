"""``broker_exclusive_config``."""

from __future__ import annotations

from funboost_store_redis.brokers.options import PullOptions
from pydantic import Field


class Options(PullOptions):
    """Batch size and server."""

    redis_bulk_push: int = Field(
        1,
        ge=0,
        description="accepted and without effect: every push is confirmed by the server; push_many sends many at once",
    )
