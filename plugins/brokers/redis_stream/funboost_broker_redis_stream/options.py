"""``broker_exclusive_config``."""

from __future__ import annotations

from funboost_store_redis.brokers.options import OwnerOptions
from pydantic import Field


class Options(OwnerOptions):
    """Group, batch size, server, lease."""

    group: str = Field(
        "funboost_group", pattern=r"^[A-Za-z0-9_.:-]{1,100}$", description="the consumer group, made when it is missing"
    )
