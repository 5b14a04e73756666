"""What a queue may be told by `broker_exclusive_config`."""

from __future__ import annotations

from pydantic import BaseModel, Field


class NatsOptions(BaseModel, extra="forbid", frozen=True):
    """Options of one queue."""

    queue_group: str = Field(
        default="funboost_group",
        pattern=r"^[^\s*>]+$",
        description="Consumers of one queue group share the messages; each further group gets all of them once more.",
    )
    receive_ahead: int = Field(
        default=1000,
        ge=1,
        le=100_000,
        description="About how many messages a consumer may have received and not started; what a killed one loses.",
    )
    publish_timeout: float = Field(
        default=10.0,
        gt=0,
        description="Seconds in which the server must confirm what is published, and in which somebody must listen.",
    )
