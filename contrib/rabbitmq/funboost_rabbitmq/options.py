"""``broker_exclusive_config`` of the RabbitMQ brokers."""

from __future__ import annotations

from typing import Any, Optional

from pydantic import BaseModel, ConfigDict, Field


class RabbitOptions(BaseModel):
    """How the queue is declared, and how it is consumed."""

    model_config = ConfigDict(extra="forbid")

    pull_msg_batch_size: int = Field(100, ge=1, le=1000, description="the most messages fetched at once, 1 to 1000")
    connection: str = Field(
        "", description="which server: a URL, or a name N for the setting RABBITMQ_URL_N; empty: RABBITMQ_URL"
    )
    x_max_priority: Optional[int] = Field(
        None,
        alias="x-max-priority",
        ge=1,
        le=255,
        description="highest priority of the queue, 1 to 255; None: a queue without priorities",
    )
    queue_arguments: dict[str, Any] = Field(
        {}, description='further arguments that the queue is declared with, such as {"x-queue-type": "quorum"}'
    )
    no_ack: bool = Field(
        False, description="True: messages are acknowledged when they are fetched, and lost when their consumer dies"
    )
    publish_timeout: float = Field(
        30.0,
        gt=0,
        description="seconds within which the server must confirm what is published, also while it is short of memory or disk",
    )
