"""``broker_exclusive_config`` of the Redis brokers."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class ConnectionOptions(BaseModel):
    """Which server."""

    model_config = ConfigDict(extra="forbid")

    connection: str = Field(
        "", description="which server: a URL, or a name N for the setting REDIS_URL_N; empty: REDIS_URL"
    )
    confirmed: bool = Field(
        True,
        description="push returns when the server has confirmed it; False: when its bytes are with the kernel, several "
        "times as fast. That outlives a kill of the publisher, but what the server refuses, or what was on its way when "
        "the connection or the server broke, nobody hears of",
    )


class PullOptions(ConnectionOptions):
    """How much is fetched at once."""

    pull_msg_batch_size: int = Field(100, ge=1, le=1000, description="the most messages fetched in one call, 1 to 1000")


class OwnerOptions(PullOptions):
    """When a consumer is taken for dead."""

    lease_seconds: float = Field(
        120.0,
        gt=0,
        description="seconds without a sign of life after which a consumer is taken for dead although its connection "
        "stands (its host has lost power, or it was stopped); one whose connection has ended is buried within two beats",
    )
