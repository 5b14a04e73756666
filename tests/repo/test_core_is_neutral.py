"""The core has no defaults and no names of plugins: no broker, no store, no pool, no product.  Comments and docstrings
count, since that is where it begins.  ``memory``, ``threading`` and ``asyncio`` are plugins too, but also plain words.
"""

from __future__ import annotations

import re

import pytest
from workspace import ROOT, distributions

PLAIN_WORDS = {"memory", "threading", "asyncio"}
PRODUCTS = """
    activemq amqp amqpstorm apscheduler celery confluent dramatiq eventlet gevent httpsqs huey kafka kombu mongo
    mongodb mongomq mqtt mysql nameko nats nsq peewee persistqueue pika postgres postgresql prometheus psycopg pulsar
    pymongo rabbit rabbitmq rabbitpy redis rocketmq sqlachemy sqlalchemy sqlite sqs tpool zeromq zmq
""".split()


def forbidden() -> re.Pattern[str]:
    names = set(PRODUCTS)
    for distribution in distributions().values():
        if distribution.room:
            names |= {distribution.name, distribution.name.replace("-", "_"), distribution.folder.name}
            for entries in distribution.pyproject["project"].get("entry-points", {}).values():
                names |= set(entries)
    names -= PLAIN_WORDS
    # Digits and underscores end a word: sqlite3, redis_url.
    return re.compile(
        rf"(?<![a-z])(?:{'|'.join(sorted(map(re.escape, names), key=len, reverse=True))})(?![a-z])", re.IGNORECASE
    )


def words_of(line: str) -> str:
    """Camel case taken apart: RedisQueue -> Redis Queue."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", line)


def test_no_plugin_or_product_is_named_in_the_core() -> None:
    pattern = forbidden()
    found = [
        f"{file.relative_to(ROOT)}:{number}: {match.group()!r} in: {line.strip()}"
        for file in sorted((ROOT / "funboost_core").rglob("*.py"))
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1)
        for match in pattern.finditer(words_of(line))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "line",
    [
        "import sqlite3",
        'kind = "SQLITE_QUEUE"',
        "class RedisBroker:",
        "# as funboost_pool_threading does",
        '"""See funboost-store-memory."""',
        "redis_url = None",
        'if mode == "single_thread":',
    ],
)
def test_the_rule_finds(line: str) -> None:
    assert forbidden().search(words_of(line))


@pytest.mark.parametrize("line", ["import threading", '"memory://"', "asyncio.to_thread", "alternates", "insqs"])
def test_the_rule_leaves_alone(line: str) -> None:
    assert not forbidden().search(words_of(line))
