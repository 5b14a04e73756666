"""Where a Redis server is: from a URL, or from the settings, to connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from funboost_core.errors import ConfigError
from funboost_core.settings import as_bool, hide

if TYPE_CHECKING:
    from funboost_core.settings import Settings

_FORMS = "redis://user:password@host:port/db, rediss://… (TLS), unix:///path or redis+sentinel://host:port,host:port/service/db"
CONNECT = 5.0
"""Seconds in which a connection must stand."""
ANSWER = 10.0
"""Seconds within which the server must answer; it may be changed with ``?socket_timeout=`` in the URL."""


def url_of(settings: Settings, connection: str = "") -> tuple[str, str]:
    """The URL of a server, and the name of the setting that has it.

    `connection` is "" for the program's own server, a URL, or a name: ``orders`` stands for the setting
    REDIS_URL_ORDERS, so that one program can use several servers.

    Raises:
        ConfigError: a name for which there is no setting.
    """
    if "://" in connection:
        return connection, "the option connection"
    setting = f"REDIS_URL_{connection.upper()}" if connection else "REDIS_URL"
    url = str(settings(setting) or "")
    if not url and connection:
        raise ConfigError(f"connection={connection!r} needs the setting {setting}, and it is empty. Set it to a URL.")
    return url or _from_parts(settings), setting


def _from_parts(settings: Settings) -> str:
    """The documented single settings; database 7 is the documented default."""
    user, password = str(settings("REDIS_USERNAME") or ""), str(settings("REDIS_PASSWORD") or "")
    credentials = f"{quote(user, '')}:{quote(password, '')}@" if user or password else ""
    scheme = "rediss" if as_bool(settings("REDIS_SSL", False)) else "redis"
    host, port = settings("REDIS_HOST") or "127.0.0.1", settings("REDIS_PORT") or 6379
    return f"{scheme}://{credentials}{host}:{port}/{settings('REDIS_DB', 7)}"


class Address:
    """A parsed URL that makes connections; it never shows a password.

    Query options are those of redis-py's connections (``socket_timeout``, ``health_check_interval``,
    ``socket_keepalive``, ``ssl_ca_certs`` …).

    Raises:
        ConfigError: it is no URL of a Redis server.
    """

    def __init__(self, url: str, setting: str) -> None:
        self.setting = setting
        self.url = url
        self.shown: str = hide("", url.partition("?")[0])
        self._service = ""
        try:
            self._cls, options = self._parse(url)
        except ValueError as error:
            raise ConfigError(
                f"{setting} is {self.shown!r}, which names no Redis server ({error}). Use {_FORMS}."
            ) from None
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        self._options: dict[str, Any] = {
            "socket_connect_timeout": CONNECT,
            "socket_timeout": ANSWER,
            "socket_keepalive": True,
            "protocol": 2,
            **options,
            "retry": Retry(NoBackoff(), 0),  # whether repeating is harmless is known to who asks
        }
        if url.startswith("unix:"):
            del self._options["socket_keepalive"]

    def __repr__(self) -> str:
        return f"Address({self.shown!r})"

    def connect(self) -> Any:
        """A new redis-py connection, connected; raises what the client raises."""
        options = self._options
        if self._service:
            options = {**options, **self._master()}
        try:
            connection = self._cls(**options)
        except TypeError as error:
            raise ConfigError(
                f"{self.setting} ({self.shown}) has an option that redis-py does not know: {error}"
            ) from None
        connection.connect()
        return connection

    def _parse(self, url: str) -> tuple[Any, dict[str, Any]]:
        from redis import connection as client

        parse_url: Any = client.parse_url  # which has no types
        if "+sentinel://" not in url:
            options: dict[str, Any] = dict(parse_url(url))
            return options.pop("connection_class", client.Connection), options
        parts = urlsplit(url)
        service, _, db = parts.path.strip("/").partition("/")
        credentials, _, hosts = parts.netloc.rpartition("@")
        if not service or not hosts:
            raise ValueError("after the hosts it needs the name of the service, as in …/mymaster/0")
        scheme = parts.scheme.partition("+")[0]
        options = dict(parse_url(f"{scheme}://{credentials}{'@' if credentials else ''}x/{db or 0}?{parts.query}"))
        query = dict(parse_qsl(parts.query))
        self._sentinel = {name: options.pop(f"sentinel_{name}", None) for name in ("username", "password")}
        self._sentinel = {name: unquote(value) for name, value in self._sentinel.items() if value and query}
        self._sentinels = [_host(text) for text in hosts.split(",")]
        self._service = service
        return options.pop(
            "connection_class", client.SSLConnection if scheme == "rediss" else client.Connection
        ), options

    def _master(self) -> dict[str, Any]:
        """Asked at each connection, for it may have changed."""
        from redis.sentinel import Sentinel

        limits = {"socket_timeout": CONNECT, "socket_connect_timeout": CONNECT}
        make: Any = Sentinel
        sentinel = make(self._sentinels, sentinel_kwargs={**limits, **self._sentinel})
        try:
            host, port = sentinel.discover_master(self._service)
        finally:
            for client in sentinel.sentinels:
                client.close()
        return {"host": host, "port": port}


def _host(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return (host, int(port)) if host else (text, 26379)
