"""Where a queue is: a Redis server, or a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from huey import PriorityRedisHuey, SqliteHuey
from huey.exceptions import ConfigurationError

from funboost_core.errors import BrokerUnavailable, ConfigError
from funboost_core.settings import hide

from .plain import PlainSerializer

if TYPE_CHECKING:
    from funboost_core.ports.broker import BrokerContext

    from .options import Options

try:
    from redis.exceptions import AuthenticationError, RedisError
except ImportError:  # only files and objects of the user's then

    class RedisError(Exception):  # type: ignore[no-redef]
        """Is never raised."""

    class AuthenticationError(RedisError):  # type: ignore[no-redef]
        """Is never raised."""


def place(context: BrokerContext) -> tuple[str, str]:
    """The URL of the Redis server and what names it; "" for a file."""
    options: Options = context.options
    if options.url:
        return options.url, "the option url"
    if options.filename:
        return "", ""
    return str(context.settings("REDIS_URL") or ""), "REDIS_URL"


def make(context: BrokerContext) -> Any:
    """A Huey object, whose messages are JSON and which keeps no results.

    Raises:
        ConfigError: redis-py is missing, or the URL is none.
    """
    url, setting = place(context)
    common: dict[str, Any] = {"results": False, "serializer": PlainSerializer()}
    if not url:
        file = context.options.filename or str(context.environment.data_dir() / "huey.sqlite3")
        return SqliteHuey(context.queue, filename=file, **common)
    try:
        return PriorityRedisHuey(context.queue, url=url, clean_name=False, **common)
    except ConfigurationError:
        raise ConfigError(
            f"{setting} names a Redis server for Huey, and redis-py is missing. Install it with: pip install redis"
        ) from None
    except ValueError as error:
        raise ConfigError(
            f"{setting} is {hide('', url)!r}, which names no Redis server ({error}). Use redis://user:password@host:port/db."
        ) from None


@contextmanager
def explained(context: BrokerContext) -> Iterator[None]:
    """Raise what the user can do something about instead of redis-py's errors."""
    try:
        yield
    except AuthenticationError as error:
        url, setting = place(context)
        raise ConfigError(
            f"The Redis server {hide('', url)} refuses us ({error}). Write user and password into {setting}: "
            "redis://user:password@host:port/db"
        ) from None
    except RedisError as error:
        url, setting = place(context)
        where = f"{hide('', url)}, from {setting}" if url else "that of the Huey object"
        raise BrokerUnavailable(kind=context.kind, error=f"{error}; the Redis server is {where}") from error
