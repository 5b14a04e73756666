"""``broker_exclusive_config``."""

from __future__ import annotations

from pydantic import BaseModel, Field


class Options(BaseModel):
    """The shared subscription, and what is waited for."""

    share_group: str = Field(
        "fsdf",
        pattern=r"^[^/+#\x00]+$",
        description="consumers of one group share the messages; each further group gets all of them once more",
    )
    session_expiry: int = Field(
        5,
        ge=0,
        le=0xFFFF_FFFE,
        description="seconds for which the server keeps what waits for a consumer whose connection was cut",
    )
    publish_timeout: float = Field(
        10.0,
        gt=0,
        description="seconds in which the server must confirm what is published, and in which somebody must listen",
    )
