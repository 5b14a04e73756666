"""``broker_exclusive_config``."""

from __future__ import annotations

from funboost_store_redis.brokers.options import PullOptions
from pydantic import Field


class Options(PullOptions):
    """Time-out, batch size, server."""

    ack_timeout: float = Field(
        3600.0, gt=0, description="seconds after which a message that was fetched and not acknowledged comes back"
    )
