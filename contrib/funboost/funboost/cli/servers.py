"""Where the settings say that servers are, and whether somebody answers there; no client library is needed."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from funboost_core.settings import PREFIX, Settings, hide

from .. import config_file
from ..configuration import urls

PATIENCE = 3.0
"""Seconds within which a server has to accept a connection."""


class Server(NamedTuple):
    """One kind of server: its settings begin with `prefix`; brokers whose kind begins with one of `kinds` use it."""

    name: str
    prefix: str
    kinds: tuple[str, ...]
    url: str = ""
    host: str = ""
    port: str = ""
    default_port: int = 0


SERVERS = (
    Server("Redis", "REDIS_", ("REDIS",), url="REDIS_URL", default_port=6379),
    Server("RabbitMQ", "RABBITMQ_", ("RABBITMQ",), url="RABBITMQ_URL", default_port=5672),
    Server("Kafka", "KAFKA_", ("KAFKA",), url="KAFKA_BOOTSTRAP_SERVERS", default_port=9092),
    Server("MQTT", "MQTT_", ("MQTT",), host="MQTT_HOST", port="MQTT_TCP_PORT"),
    Server("NATS", "NATS_", ("NATS",), url="NATS_URL", default_port=4222),
    Server("Pulsar", "PULSAR_", ("PULSAR",), url="PULSAR_URL", default_port=6650),
    Server("RocketMQ", "ROCKETMQ_", ("ROCKETMQ",), url="ROCKETMQ_NAMESRV_ADDR", default_port=9876),
    Server("NSQ", "NSQD_", ("NSQ",), url="NSQD_TCP_ADDRESSES", default_port=4150),
    Server("HTTPSQS", "HTTPSQS_", ("HTTPSQS",), host="HTTPSQS_HOST", port="HTTPSQS_PORT"),
    Server("MongoDB", "MONGO_", ("MONGO",), url="MONGO_CONNECT_URL", default_port=27017),
    Server("MySQL", "MYSQL_", ("PEEWEE",), host="MYSQL_HOST", port="MYSQL_PORT"),
    Server("Kombu", "KOMBU_", ("KOMBU",), url="KOMBU_URL"),
    Server("Celery", "CELERY_", ("CELERY",), url="CELERY_BROKER_URL"),
    Server("Dramatiq", "DRAMATIQ_", ("DRAMATIQ",), url="DRAMATIQ_URL"),
)
_PORTS = {"redis": 6379, "rediss": 6379, "amqp": 5672, "amqps": 5671, "mongodb": 27017, "nats": 4222}


def configured(settings: Settings, kinds: Iterable[str]) -> list[tuple[Server, bool]]:
    """The servers that a setting names, or that brokers of these kinds use; and whether they are used."""
    upper = tuple(kind.upper() for kind in kinds)
    found = [(server, any(kind.startswith(server.kinds) for kind in upper)) for server in SERVERS]
    return [(server, used) for server, used in found if used or _said(settings, server.prefix)]


def _said(settings: Settings, prefix: str) -> bool:
    names = [*settings.values, *(name[len(PREFIX) :] for name in os.environ if name.startswith(PREFIX))]
    changed = filter(config_file.differs, config_file.values())
    return any(name.startswith(prefix) for name in (*names, *changed))


def addresses(server: Server, settings: Settings) -> list[tuple[str, int]]:
    """The hosts and ports to knock at; empty where the setting names none, or a file."""
    if server.host:
        return [(str(settings(server.host)), int(settings(server.port)))]
    given: Any = settings(server.url)
    if not given and server.url in urls.DERIVED:
        given = urls.DERIVED[server.url](settings)
    texts: Sequence[Any] = given if isinstance(given, (list, tuple)) else _separate(str(given or ""))
    return [address for address in (_address(str(text).strip(), server.default_port) for text in texts) if address]


def _separate(given: str) -> list[str]:
    scheme, found, rest = given.rpartition("://")
    login, _, hosts = rest.rpartition("@")
    separator = ";" if ";" in hosts else ","
    return [f"{scheme}{found}{login}{'@' if login else ''}{host}" for host in hosts.split(separator) if host]


def _address(text: str, default_port: int) -> tuple[str, int] | None:
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        port = parts.port or _PORTS.get(parts.scheme.partition("+")[0], default_port)
    except ValueError:
        return None
    return (parts.hostname, port) if parts.hostname and port else None


def answers(host: str, port: int) -> str:
    """What is wrong with connecting there; empty when somebody accepts it."""
    try:
        with socket.create_connection((host, port), PATIENCE):
            return ""
    except OSError as error:
        return str(hide("", str(error)))
