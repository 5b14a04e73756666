"""The documented constants: classes of plain strings.

Third parties may have more broker kinds and concurrency modes than are listed; any installed one can be given by name.
"""

from __future__ import annotations

from .aliases import BrokerSpellings


class BrokerEnum(BrokerSpellings):
    """Broker kinds.  Most are distributions of their own; using one that is not installed says which."""

    CELERY = "CELERY"
    DRAMATIQ = "DRAMATIQ"
    EMPTY = "empty"
    HTTP = "HTTP"
    HTTPSQS = "HTTPSQS"
    HUEY = "HUEY"
    KAFKA = "KAFKA"
    KAFKA_CONFLUENT = "KAFKA_CONFLUENT"
    KOMBU = "KOMBU"
    MEMORY_QUEUE = "MEMORY_QUEUE"
    MONGOMQ = "MONGOMQ"
    MQTT = "MQTT"
    NAMEKO = "NAMEKO"
    NATS = "NATS"
    NSQ = "NSQ"
    PEEWEE = "PEEWEE"
    PULSAR = "PULSAR"
    RABBITMQ_AMQPSTORM = "RABBITMQ_AMQPSTORM"
    RABBITMQ_PIKA = "RABBITMQ_PIKA"
    RABBITMQ_RABBITPY = "RABBITMQ_RABBITPY"
    REDIS = "REDIS"
    REDIS_ACK_ABLE = "REDIS_ACK_ABLE"
    REDIS_PRIORITY = "REDIS_PRIORITY"
    REDIS_PUBSUB = "REDIS_PUBSUB"
    REDIS_STREAM = "REDIS_STREAM"
    ROCKETMQ = "ROCKETMQ"
    RQ = "RQ"
    TCP = "TCP"
    TXT_FILE = "TXT_FILE"
    UDP = "UDP"
    ZEROMQ = "ZEROMQ"


class ConcurrentModeEnum:
    """Concurrency modes."""

    ASYNC = "async"
    EVENTLET = "eventlet"
    GEVENT = "gevent"
    SINGLE_THREAD = "single_thread"
    SOLO = SINGLE_THREAD
    THREADING = "threading"


class FunctionKind:
    """What kind of function a task is."""

    CLASS_METHOD = "CLASS_METHOD"
    COMMON_FUNCTION = "COMMON_FUNCTION"
    INSTANCE_METHOD = "INSTANCE_METHOD"
    STATIC_METHOD = "STATIC_METHOD"
