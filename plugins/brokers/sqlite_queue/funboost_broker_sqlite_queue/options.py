"""The options of a queue: ``broker_exclusive_config``."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Options(BaseModel):
    """Options of SQLITE_QUEUE."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pull_msg_batch_size: int = Field(
        default=100, ge=1, le=1000, description="The most messages fetched in one transaction."
    )
    synchronous: Literal["NORMAL", "FULL"] = Field(
        default="NORMAL",
        description="FULL: what was published survives a power cut, at the price of one disk flush a commit. "
        "NORMAL: it survives any crash of the program, a power cut may take the last moments.",
    )
