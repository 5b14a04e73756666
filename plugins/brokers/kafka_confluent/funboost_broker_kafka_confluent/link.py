"""The servers as a process knows them: one producer and one administrator for all queues with the same configuration."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import TimeoutError as FutureTimeout
from time import monotonic
from typing import Any

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import NewTopic, OffsetSpec  # type: ignore[attr-defined]

from funboost_core.errors import ConfigError
from funboost_core.native import Lock, sleep
from funboost_core.settings import Settings

from .errors import FORBIDDEN, error_of, explain
from .positions import Positions
from .publishing import Publisher
from .unpatched import AdminClient

ASK = 5.0
"""Seconds that an administrative request may take."""
ARRIVED = 0.01
"""Seconds between two questions whether a new topic is known."""
SHARED: dict[str, Any] = {"client.id": "funboost", "log_level": 2, "reconnect.backoff.max.ms": 1000}
"""What all clients begin with; log_level 2: errors come by exceptions, not on the standard error stream."""


def servers_of(settings: Settings) -> str:
    """The setting KAFKA_BOOTSTRAP_SERVERS, a list or text with commas, as the client wants it.

    Raises:
        ConfigError: it names no server.
    """
    return servers_in(settings("KAFKA_BOOTSTRAP_SERVERS", ["127.0.0.1:9092"]), "KAFKA_BOOTSTRAP_SERVERS")


def servers_in(given: Any, setting: str) -> str:
    """The servers that the value of a setting names.

    Raises:
        ConfigError: it names none.
    """
    names = given.split(",") if isinstance(given, str) else [str(name) for name in given]
    servers = ",".join(name.strip() for name in names if name.strip())
    if not servers:
        raise ConfigError(f"{setting}={given!r} names no server; set it to a list such as ['host:9092'].")
    return servers


_FIRST, _LAST = OffsetSpec.earliest(), OffsetSpec.latest()  # type: ignore[no-untyped-call]


class Complaints:
    """What the client's error callback was told; the errors that it raises itself often just say "timed out"."""

    def __init__(self) -> None:
        self.last: Any = None

    def __call__(self, error: Any) -> None:
        """Keep the one that says most: a refusal rather than that nobody answers."""
        if self.last is None or error.code() not in {KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT}:
            self.last = error

    def instead_of(self, error: Any) -> Any:
        """The better explanation of `error`."""
        told, self.last = self.last, None
        vague = error_of(error).code() in {
            KafkaError._TIMED_OUT,
            KafkaError._MSG_TIMED_OUT,
            KafkaError._TRANSPORT,
            KafkaError._ALL_BROKERS_DOWN,
        }
        return told if vague and told is not None else error


class Link:
    """Publishing and administration."""

    def __init__(self, servers: str, config: dict[str, Any], timeout: float) -> None:
        self.servers = servers
        self._ask = min(ASK, timeout)
        self._complaints = Complaints()
        common = {**SHARED, "bootstrap.servers": servers, "error_cb": self._complaints}
        publishing = {
            **common,
            "linger.ms": 0,
            **config,
            "acks": "all",
            "enable.idempotence": True,
            "delivery.timeout.ms": int(timeout * 1000),
        }
        if "request.timeout.ms" not in config:
            publishing["request.timeout.ms"] = min(30000, int(timeout * 1000))
        security = {name: value for name, value in config.items() if name.startswith(("security.", "sasl.", "ssl."))}
        try:
            self._publisher = Publisher(publishing)
            self._admin: Any = AdminClient({**common, **security})
        except KafkaException as error:
            raise explain(error, servers) from error
        self._config = {**SHARED, "bootstrap.servers": servers, **security}
        self._positions: dict[str, Positions] = {}
        self._lock = Lock()
        self._known: set[str] = set()

    def publish(self, topic: str, bodies: Sequence[bytes]) -> None:
        """All are confirmed by all replicas in sync when it returns.

        Raises:
            BrokerUnavailable: not within the time limit.
        """
        try:
            error = self._publisher.publish(topic, bodies)
        except KafkaException as failure:
            error = failure
        if error is not None:
            self._publisher.hear()
            raise explain(self._complaints.instead_of(error), self.servers, f"publishing to {topic}: ")

    def ensure(self, topic: str, partitions: int, replication: int) -> None:
        """Make a topic unless it is there."""
        if topic in self._known:
            return
        new = NewTopic(topic, num_partitions=partitions, replication_factor=replication)
        try:
            try:
                self._result(self._admin.create_topics([new], request_timeout=self._ask)[topic])
            except KafkaException as error:
                code = error_of(error).code()
                if code in FORBIDDEN:  # perhaps somebody else has made it
                    found = self._admin.list_topics(topic, timeout=self._ask).topics[topic].error
                    if found is not None:
                        raise
                elif code != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise
            self._arrived(topic)
        except KafkaException as error:
            self._admin.poll(0)
            raise explain(self._complaints.instead_of(error), self.servers, f"topic {topic}: ") from error
        self._known.add(topic)

    def _arrived(self, topic: str) -> None:
        """Wait until servers know a topic that has just been made; a consumer that is told of none takes it for trouble."""
        end = monotonic() + self._ask
        while True:
            error = self._admin.list_topics(topic, timeout=self._ask).topics[topic].error
            if error is None or error.code() != KafkaError.UNKNOWN_TOPIC_OR_PART or monotonic() > end:
                return
            sleep(ARRIVED)

    def forget(self, topic: str) -> None:
        """It is not there any more: ask anew."""
        self._known.discard(topic)

    def lag(self, topic: str, group: str, from_start: bool) -> int:
        """How many messages the group has not committed."""
        try:
            found = self._admin.list_topics(topic, timeout=self._ask).topics[topic]
            if found.error is not None:
                return 0
            parts = [TopicPartition(topic, number) for number in found.partitions]
            at = self._positions_of(group).of(parts, self._ask)
            first, last = (self._offsets(parts, spec) for spec in (_FIRST, _LAST))
        except KafkaException as error:
            self._admin.poll(0)
            raise explain(self._complaints.instead_of(error), self.servers, f"counting {topic}: ") from error
        return sum(
            last[number] - max(first[number], at.get(number, first[number] if from_start else last[number]))
            for number in last
        )

    def _positions_of(self, group: str) -> Positions:
        with self._lock:
            if group not in self._positions:
                self._positions[group] = Positions(group, self._config)
            return self._positions[group]

    def _offsets(self, parts: Sequence[TopicPartition], spec: OffsetSpec) -> dict[int, int]:
        asked = self._admin.list_offsets(
            dict.fromkeys(parts, spec), isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=self._ask
        )
        return {part.partition: self._result(answer).offset for part, answer in asked.items()}

    def _result(self, future: Any) -> Any:
        try:
            return future.result(self._ask + 1)
        except FutureTimeout:  # the client itself has not got round to saying so
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT)) from None

    def close(self) -> None:
        """Let go of it."""
        with self._lock:
            for positions in self._positions.values():
                positions.close()


_links: dict[Any, tuple[Link, set[int]]] = {}
_lock = Lock()


def attach(servers: str, config: dict[str, Any], timeout: float, user: object) -> Link:
    """The link of this process (a forked child makes its own) for `user`, until it detaches."""
    key = (os.getpid(), servers, timeout, tuple(sorted(config.items())))
    with _lock:
        if key not in _links:
            _links[key] = Link(servers, config, timeout), set()
        link, users = _links[key]
        users.add(id(user))
        return link


def detach(link: Link, user: object) -> None:
    """`user` is done with it; with the last one it is closed."""
    with _lock:
        for key, (known, users) in list(_links.items()):
            if known is link:
                users.discard(id(user))
                if not users:
                    del _links[key]
                    link.close()
