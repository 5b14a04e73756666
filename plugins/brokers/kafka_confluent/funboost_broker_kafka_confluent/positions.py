"""What a group has committed, asked by a consumer of our own that joins no group.

The administrator's ``list_consumer_group_offsets`` ends the process, by an assertion in the client, when the connection to
the coordinator breaks while it asks (librdkafka's pull request 5397; not in 2.16.0).  So do its other calls
that go to a coordinator: use none of them.
"""

from __future__ import annotations

from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from funboost_core.native import RLock

from .leaving import Gate


class Positions:
    """The committed positions of one group.  Raises the client's errors."""

    def __init__(self, group: str, config: dict[str, Any]) -> None:
        self._asking = RLock()
        self._gate = Gate(self._asking)
        self._consumer: Any = Consumer({**config, "group.id": group, "enable.auto.commit": False})
        self._closed = False

    def of(self, partitions: list[TopicPartition], seconds: float) -> dict[int, int]:
        """Partition and offset, of those with one; within so many seconds."""
        with self._asking:
            if self._gate.shut or self._closed:
                raise KafkaException(KafkaError(KafkaError._DESTROY, "it is closed"))
            found = self._consumer.committed(partitions, timeout=seconds)
        for place in found:
            if place.error is not None:
                raise KafkaException(place.error)
        return {place.partition: place.offset for place in found if place.offset >= 0}

    def close(self) -> None:
        """Let go of the connections."""
        with self._asking:
            self._closed = True
            self._consumer.close()
