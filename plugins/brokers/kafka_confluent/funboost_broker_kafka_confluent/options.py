"""``broker_exclusive_config``."""

from __future__ import annotations

from typing import Literal, Union

from pydantic import BaseModel, ConfigDict, Field, field_validator

from funboost_core.ports.offsets import MOST

Config = dict[str, Union[bool, int, float, str]]
"""Properties of librdkafka by their names."""

_ALWAYS = {
    "bootstrap.servers": "the setting KAFKA_BOOTSTRAP_SERVERS has the servers",
    "metadata.broker.list": "the setting KAFKA_BOOTSTRAP_SERVERS has the servers",
}
_CONSUMER = {
    **_ALWAYS,
    "group.id": "set the option group_id",
    "auto.offset.reset": "set the option auto_offset_reset",
    "enable.auto.commit": "it would acknowledge messages that still run",
    "enable.auto.offset.store": "it would acknowledge messages that still run",
}
_PRODUCER = {
    **_ALWAYS,
    "acks": "messages are published when all replicas have them",
    "request.required.acks": "messages are published when all replicas have them",
    "enable.idempotence": "without it a publication that is repeated would be there twice",
    "delivery.timeout.ms": "set the option publish_timeout, in seconds",
    "message.timeout.ms": "set the option publish_timeout, in seconds",
    "delivery.report.only.error": "each publication waits for its report",
    "transactional.id": "there are no transactions here",
}


class Options(BaseModel):
    """Group, topic, window, time limits; the rest goes to librdkafka as it is."""

    model_config = ConfigDict(extra="forbid")

    group_id: str = Field("funboost_kafka", min_length=1, description="the consumer group; each group gets everything")
    auto_offset_reset: Literal["earliest", "latest"] = Field(
        "earliest",
        description="where a group begins that has never committed: at the oldest message, or behind the last",
    )
    num_partitions: int = Field(
        10, ge=1, description="partitions of a topic that is made; so many consumers of a group can work at once"
    )
    replication_factor: int = Field(-1, ge=-1, description="copies of a topic that is made; -1: the server's default")
    max_unacked: int = Field(
        MOST, ge=1, description="messages of one partition that are handed out and not committed, which a crash repeats"
    )
    pull_msg_batch_size: int = Field(100, ge=1, le=1000, description="the most messages fetched in one call, 1 to 1000")
    rebalance_wait: float = Field(
        3.0,
        ge=0,
        description="seconds for which a partition that is to go waits for its running tasks; others repeat them",
    )
    publish_timeout: float = Field(
        30.0, gt=0, description="seconds after which publishing fails that the server has not confirmed"
    )
    consumer_config: Config = Field(
        default_factory=dict, description="properties of librdkafka for the consumer, such as session.timeout.ms"
    )
    producer_config: Config = Field(
        default_factory=dict, description="properties of librdkafka for the producer, such as compression.type"
    )

    @field_validator("consumer_config")
    @classmethod
    def _consumer(cls, value: Config) -> Config:
        return _allowed(value, _CONSUMER)

    @field_validator("producer_config")
    @classmethod
    def _producer(cls, value: Config) -> Config:
        return _allowed(value, _PRODUCER)


def _allowed(given: Config, refused: dict[str, str]) -> Config:
    for name in given:
        if name in refused:
            raise ValueError(f"{name} cannot be set here: {refused[name]}")
    return given
