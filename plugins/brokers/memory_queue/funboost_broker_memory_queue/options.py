"""What may be set for this broker."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Options(BaseModel):
    """`broker_exclusive_config` of MEMORY_QUEUE."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pull_msg_batch_size: int = Field(100, ge=1, le=1000, description="Most messages a consumer takes at a time.")
