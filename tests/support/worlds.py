"""Where the stories of killed programs play: which broker, which state, and how the test looks into the queues."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from feeder import Feeder
from programs import Program


class World:
    """The embedded one."""

    broker = "from funboost_broker_sqlite_queue.broker import SqliteBroker as Broker"
    buries = True
    """Whether somebody logs that a consumer is gone, and gives back what it held; else its server does that in silence."""
    acks_at_once = True
    """Whether the server has heard of an acknowledgement when `ack` returns."""

    def program(self, folder: Path, pool: str = "threading", **settings: Any) -> Program:
        """A program's processes."""
        return Program(folder, pool, **settings)

    def feeder(self, folder: Path) -> Any:
        """Publishes to that program's queues."""
        return Feeder(folder)

    def script(self, text: str) -> str:
        """A script of the embedded world in this one."""
        return text.replace(World.broker, self.broker)


class ServedFeeder(Feeder):
    """The queues of programs in a server."""

    def __init__(self, settings: dict[str, str], options: dict[str, Any] | None = None) -> None:
        from funboost_core import Environment

        self._environment = Environment({"CONCURRENT_MODE": "threading", **settings, "STATE_URL": "memory://"})
        self._boosters: dict[str, Any] = {}
        self._options = options or {}
        self.pushed: set[str] = set()

    def leftovers(self) -> dict[str, int]:
        """Messages that nobody has acknowledged."""
        count = self.booster().get_message_count()
        return {"q": count} if count else {}


class RedisFeeder(ServedFeeder):
    """The queues of programs in a Redis server."""

    def leftovers(self) -> dict[str, int]:
        """Keys that do not end by themselves, and their number of bytes."""
        broker = self.booster("look").task.make_broker()
        ask = broker._server.ask
        left = {key.decode(): ask("MEMORY", "USAGE", key) for key in ask("KEYS", "*") if ask("TTL", key) == -1}
        broker.close()
        if left:
            print("left:", left)
        return left


class ServedWorld(World):
    """A server that `settings` name, and one of its brokers."""

    buries = acks_at_once = False

    def __init__(self, kind: str, broker: str, settings: dict[str, str], options: dict[str, Any] | None = None) -> None:
        self.broker = f"from {broker.partition(':')[0]} import {broker.partition(':')[2]} as Broker"
        self.settings = {"BROKER_KIND": kind, **settings}
        self.options = options

    def program(self, folder: Path, pool: str = "threading", **settings: Any) -> Program:
        """See `World.program`."""
        return Program(folder, pool, **{**self.settings, **settings})

    def feeder(self, folder: Path) -> Any:
        """See `World.feeder`."""
        return ServedFeeder(self.settings, self.options)


class RedisWorld(ServedWorld):
    """A Redis server at `url` and one of its brokers."""

    buries = acks_at_once = True

    def __init__(self, url: str, kind: str, broker: str) -> None:
        super().__init__(kind, broker, {"REDIS_URL": url, "STATE_URL": "redis://"})

    def feeder(self, folder: Path) -> Any:
        """See `World.feeder`."""
        return RedisFeeder(self.settings)


BROKERS = {
    "REDIS_ACK_ABLE": "funboost_broker_redis_ack_able.broker:RedisAckAbleBroker",
    "REDIS_STREAM": "funboost_broker_redis_stream.broker:RedisStreamBroker",
    "REDIS_PRIORITY": "funboost_broker_redis_priority.broker:RedisPriorityBroker",
    "REDIS_BRPOPLPUSH": "funboost_broker_redis_brpoplpush.broker:RedisBrpoplpushBroker",
}
TIMED = {"REDIS_ACK_TIMEOUT": "funboost_broker_redis_ack_timeout.broker:RedisAckTimeoutBroker"}
"""Those that take nobody for dead: what is not acknowledged comes back after a time."""


def redis_world(url: str, kind: str) -> RedisWorld:
    """The world of a kind."""
    return RedisWorld(url, kind, {**BROKERS, **TIMED}[kind])


RABBITS = {
    "RABBITMQ_PIKA": "funboost_broker_rabbitmq_pika.broker:PikaBroker",
    "RABBITMQ_AMQPSTORM": "funboost_broker_rabbitmq_amqpstorm.broker:AmqpstormBroker",
}


def rabbit_world(url: str, kind: str, namespace: str = "", **options: Any) -> ServedWorld:
    """The world of a RabbitMQ broker; `options` are those of who publishes."""
    return ServedWorld(kind, RABBITS[kind], {"RABBITMQ_URL": url, "NAMESPACE": namespace}, options)


class KafkaWorld(ServedWorld):
    """A Kafka server and its broker."""

    def script(self, text: str) -> str:
        """See `World.script`; with the options of the group."""
        return super().script(text).replace("else {}", f"else {self.options!r}")


def kafka_world(servers: str, namespace: str) -> KafkaWorld:
    """The world of KAFKA_CONFLUENT: a group that notices soon who has gone."""
    config = {"heartbeat.interval.ms": 100, "session.timeout.ms": 3000}
    options = {"num_partitions": 4, "group_id": namespace, "consumer_config": config, "publish_timeout": 3.0}
    settings = {"KAFKA_BOOTSTRAP_SERVERS": servers, "NAMESPACE": namespace}
    return KafkaWorld("KAFKA_CONFLUENT", "funboost_broker_kafka_confluent.broker:KafkaBroker", settings, options)
