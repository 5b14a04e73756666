"""``broker_exclusive_config``."""

from __future__ import annotations

from typing import Optional

from funboost_store_redis.brokers.options import OwnerOptions
from pydantic import Field


class Options(OwnerOptions):
    """Number of priorities, batch size, server, lease."""

    x_max_priority: Optional[int] = Field(
        None,
        alias="x-max-priority",
        ge=1,
        le=255,
        description="the highest priority; larger ones count as this; None: there are none",
    )
