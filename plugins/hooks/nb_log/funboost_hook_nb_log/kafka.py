"""Lines to a topic of Kafka, as JSON; librdkafka gathers and sends them in the background."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any

from funboost_core import TaskIdFilter
from funboost_core.errors import ConfigError

from .lines import document, encoded

logger: logging.Logger = logging.getLogger(__name__)  # not below `funboost`, which writes to us
LINGER = 2.0
"""Seconds that the end of the process waits for the last lines."""


class KafkaHandler(logging.Handler):
    """Sends each line; while the servers are away they are kept, and dropped and counted beyond librdkafka's limits.

    Args:
        topic: where to; it must exist, unless the servers make topics by themselves.
        config: properties of librdkafka, with ``bootstrap.servers``.

    Raises:
        ConfigError: confluent-kafka is not installed.
    """

    def __init__(self, topic: str, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.addFilter(TaskIdFilter())
        self.dropped: int = 0
        self._topic, self._config = topic, dict(config)
        self._producer: Any = None
        self._pid = 0
        try:
            from confluent_kafka import Producer
        except ImportError as error:
            raise ConfigError(
                f"Log lines to the Kafka topic {topic!r} need confluent-kafka: "
                "pip install 'funboost-hook-nb-log[kafka]', or unset NB_LOG_KAFKA_TOPIC."
            ) from error
        self._kind: Any = Producer

    def emit(self, record: logging.LogRecord) -> None:
        """Hand it to librdkafka."""
        try:
            if self._pid != os.getpid():  # its threads do not survive a fork
                self._producer, self._pid = self._kind({"log_level": 2, **self._config}), os.getpid()
            try:
                self._producer.produce(self._topic, encoded(document(record)), on_delivery=self._told)
            except BufferError:
                self.dropped += 1
            self._producer.poll(0)
        except Exception:
            self.handleError(record)

    def _told(self, error: Any, message: Any) -> None:
        if error is not None:
            if not self.dropped:
                logger.warning("The Kafka topic %r takes no lines (%s); they are dropped.", self._topic, error)
            self.dropped += 1

    def flush(self) -> None:
        """Wait until all lines are sent, at most for LINGER seconds."""
        if self._producer is not None and self._pid == os.getpid():
            self._producer.flush(LINGER)
