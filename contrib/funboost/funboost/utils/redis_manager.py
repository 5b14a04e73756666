"""Clients of the configured Redis server, for what programs keep there themselves."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from funboost_core.environment import default
from funboost_core.errors import ConfigError

from ..configuration.urls import redis as redis_url

if TYPE_CHECKING:
    import redis
    import redis.asyncio


class RedisMixin:
    """Clients of the Redis server of the settings (REDIS_URL, or REDIS_HOST …); replies are text.

    A base class, or used as ``RedisMixin()``.  Clients are shared by the whole process and connect when first used.

    Raises:
        ConfigError: (when a client is asked for) the client library is not installed, or the setting names a cluster or
            sentinels.

    Example::

        RedisMixin().redis_db_frame.incr("visits")
    """

    @property
    def redis_db_frame(self) -> redis.Redis:
        """The database of queues and state: the one in REDIS_URL, else REDIS_DB (7)."""
        return self.redis_db_n(_frame_db())

    @property
    def redis_db_filter_and_rpc_result(self) -> redis.Redis:
        """The database REDIS_DB_FILTER_AND_RPC_RESULT (8)."""
        return self.redis_db_n(_second_db())

    def redis_db_n(self, db: int) -> redis.Redis:
        """The database of that number."""
        return _client(_url(db))  # type: ignore[no-any-return]

    def timestamp(self) -> float:
        """The server's time in seconds since 1970."""
        time: Any = self.redis_db_frame.time()
        return float(time[0] + time[1] / 1_000_000)


class AioRedisMixin:
    """The same for coroutines.  Keep one object an event loop: its clients belong to the loop that first uses them."""

    @functools.cached_property
    def aioredis_db_frame(self) -> redis.asyncio.Redis:
        """As `RedisMixin.redis_db_frame`."""
        return self.aioredis_db_n(_frame_db())

    @functools.cached_property
    def aioredis_db_filter_and_rpc_result(self) -> redis.asyncio.Redis:
        """As `RedisMixin.redis_db_filter_and_rpc_result`."""
        return self.aioredis_db_n(_second_db())

    def aioredis_db_n(self, db: int) -> redis.asyncio.Redis:
        """A new client of the database of that number."""
        return _library("redis.asyncio").Redis.from_url(_url(db), decode_responses=True)  # type: ignore[no-any-return]


@functools.cache
def _client(url: str) -> Any:
    return _library("redis").Redis.from_url(url, decode_responses=True)


def _library(name: str) -> Any:
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError as error:
        raise ConfigError("RedisMixin needs redis-py. Install it with: pip install funboost[redis]") from error


def _configured() -> str:
    settings = default().settings
    url = str(settings("REDIS_URL") or redis_url(settings))
    scheme = urlsplit(url).scheme
    if "+" in scheme:
        raise ConfigError(
            f"REDIS_URL begins with {scheme}://, and RedisMixin is for a single server. Use a client of redis-py's "
            "for sentinels or clusters."
        )
    return url


def _frame_db() -> int:
    settings, parts = default().settings, urlsplit(_configured())
    said = dict(parse_qsl(parts.query)).get("db") or ("" if parts.scheme == "unix" else parts.path.strip("/"))
    return int(said or (0 if settings("REDIS_URL") else settings("REDIS_DB")))


def _second_db() -> int:
    return int(default().settings("REDIS_DB_FILTER_AND_RPC_RESULT"))


def _url(db: int) -> str:
    """The configured server with that database; redis-py prefers what a URL says to its arguments."""
    parts = urlsplit(_configured())
    query = urlencode([*((name, value) for name, value in parse_qsl(parts.query) if name != "db"), ("db", db)])
    return f"{parts.scheme}://{parts.netloc}{parts.path if parts.scheme == 'unix' else ''}?{query}"
