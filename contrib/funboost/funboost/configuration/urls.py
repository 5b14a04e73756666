"""URLs that are made of single settings, with what they contain quoted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from funboost_core.settings import as_bool

from ..defaults import CONNECTIONS

Ask = Callable[[str], Any]


def credentials(user: object, password: object) -> str:
    """``user:password@`` as a URL needs it, or nothing."""
    user, password = str(user or ""), str(password or "")
    return f"{quote(user, '')}:{quote(password, '')}@" if user or password else ""


def redis(ask: Ask, database: str = "REDIS_DB") -> str:
    """The URL of the Redis server that the single settings name."""
    scheme = "rediss" if as_bool(ask("REDIS_SSL")) else "redis"
    login = credentials(ask("REDIS_USERNAME"), ask("REDIS_PASSWORD"))
    return f"{scheme}://{login}{ask('REDIS_HOST')}:{ask('REDIS_PORT')}/{ask(database)}"


def rabbitmq(ask: Ask) -> str:
    """The URL of the RabbitMQ server that the single settings name."""
    login = credentials(ask("RABBITMQ_USER"), ask("RABBITMQ_PASS"))
    virtual_host = quote(str(ask("RABBITMQ_VIRTUAL_HOST") or ""), "")
    return f"amqp://{login}{ask('RABBITMQ_HOST')}:{ask('RABBITMQ_PORT')}/{virtual_host}"


DERIVED: dict[str, Callable[[Ask], str]] = {"REDIS_URL": redis, "RABBITMQ_URL": rabbitmq}
_PARTS = {
    "REDIS_URL": ("REDIS_USERNAME", "REDIS_PASSWORD", "REDIS_HOST", "REDIS_PORT", "REDIS_DB"),
    "RABBITMQ_URL": (
        "RABBITMQ_USER",
        "RABBITMQ_PASS",
        "RABBITMQ_HOST",
        "RABBITMQ_PORT",
        "RABBITMQ_VIRTUAL_HOST",
    ),
}


def without_derived(values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` without URLs that a file made of its own parts: the parts can be overridden, and are quoted properly."""
    rest, known = dict(values), {**CONNECTIONS, **values}
    for name, parts in _PARTS.items():
        user, password, host, port, tail = (known[part] for part in parts)
        address = f"{host}:{port}/{tail}"
        made = {f"{login}{address}" for login in ("", f"{user}:{password}@", credentials(user, password))}
        scheme, _, where = str(values.get(name)).partition("://")
        ours = DERIVED[name](known.get).partition("://")[0]
        if where in made and scheme in {"redis", "amqp", ours}:  # rediss:// without REDIS_SSL says more than the parts
            del rest[name]
    return rest
