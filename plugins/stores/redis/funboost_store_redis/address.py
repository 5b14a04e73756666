"""Where a Redis server is: from a URL, or from the settings, to connections."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qsl, quote, urlsplit, urlunsplit

from funboost_core.errors import ConfigError
from funboost_core.settings import as_bool, hide

if TYPE_CHECKING:
    from funboost_core.settings import Settings

    from .finders import Finder, Host, Nodes, Sentinels

_FORMS = (
    "redis://user:password@host:port/db, rediss://… (TLS), unix:///path, redis+sentinel://host:port,host:port/service/db "
    "or redis+cluster://host:port,host:port"
)
CONNECT = 5.0
"""Seconds in which a connection must stand."""
ANSWER = 10.0
"""Seconds within which the server must answer; it may be changed with ``?socket_timeout=`` in the URL."""


def url_of(settings: Settings, connection: str = "") -> tuple[str, str]:
    """The URL of a server, and the name of the setting that has it.

    `connection` is "" for the program's own server, a URL, or a name: ``orders`` stands for the setting
    REDIS_URL_ORDERS, so that one program can use several servers.

    Raises:
        ConfigError: a name for which there is no setting, or that can be none.
    """
    if "://" in connection:
        return connection, "the option connection"
    if not re.fullmatch(r"\w*", connection, re.ASCII):
        shown = "connection" if "@" in connection else f"connection={connection!r}"  # it may have a password in it
        raise ConfigError(f"{shown} is neither a URL nor a name of letters, digits and _. Use {_FORMS}, or a name.")
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


def is_cluster(url: str) -> bool:
    """Whether a URL names a Redis Cluster."""
    return url.partition("://")[0].endswith("+cluster")


class Address:
    """A parsed URL that makes connections; it never shows a password.

    Query options are those of redis-py's connections (``socket_timeout``, ``health_check_interval``,
    ``socket_keepalive``, ``ssl_ca_certs`` …).

    Args:
        url: where.
        setting: what the user has to change if it is wrong.
        slot: of a cluster: connect to the node that has these keys, whichever it is; None: to any node.

    Raises:
        ConfigError: it is no URL of a Redis server.
    """

    def __init__(self, url: str, setting: str, slot: int | None = None) -> None:
        self.setting = setting
        self.url = url
        self.slot = slot
        self.shown: str = hide("", url.partition("?")[0])
        self.clustered = is_cluster(url)
        self.nodes: Nodes | None = None
        self.sentinels: Sentinels | None = None
        self._finder: Finder | None = None
        try:
            self._cls, self._options = self._parse(url)
        except ValueError as error:
            raise ConfigError(
                f"{setting} is {self.shown!r}, which names no Redis server ({error}). Use {_FORMS}."
            ) from None

    def __repr__(self) -> str:
        return f"Address({self.shown!r})"

    def connect(self) -> Any:
        """A new redis-py connection, connected; raises what the client raises."""
        try:
            return self._connect()
        except TypeError as error:
            raise ConfigError(
                f"{self.setting} ({self.shown}) has an option that redis-py does not know: {error}"
            ) from None

    def _connect(self) -> Any:
        options = self._options
        if self._finder is not None:
            host, port = self._finder.find()
            options = {**options, "host": host, "port": port}
        connection = self._cls(**options)
        connection.connect()
        return connection

    def node(self, host: Host) -> Address:
        """One node of this cluster."""
        parts = urlsplit(self.url)
        credentials, at, _ = parts.netloc.rpartition("@")
        name = f"[{host[0]}]" if ":" in host[0] else host[0]
        scheme = parts.scheme.partition("+")[0]
        one = Address(
            urlunsplit(parts._replace(scheme=scheme, netloc=f"{credentials}{at}{name}:{host[1]}")), self.setting
        )
        one.clustered = True
        return one

    def _parse(self, url: str) -> tuple[Any, dict[str, Any]]:
        from redis import connection as client
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        parse_url: Any = client.parse_url  # which has no types
        parts = urlsplit(url)
        scheme, several, kind = parts.scheme.partition("+")
        of_sentinels = {name[9:]: value for name, value in parse_qsl(parts.query) if name.startswith("sentinel_")}
        options: dict[str, Any] = {
            "socket_connect_timeout": CONNECT,
            "socket_timeout": ANSWER,
            "socket_keepalive": True,
            "protocol": 2,
            **parse_url(_of_one(parts, scheme, kind) if several else url),
            "retry": Retry(NoBackoff(), 0),  # whether repeating is harmless is known to who asks
        }
        cls = options.pop("connection_class", client.SSLConnection if scheme == "rediss" else client.Connection)
        if scheme == "unix":
            del options["socket_keepalive"]
        hosts = parts.netloc.rpartition("@")[2].split(",")
        if kind == "cluster":
            from .finders import Nodes

            self._finder = self.nodes = Nodes([_host(text, 6379) for text in hosts], cls, options, self.slot)
        elif kind == "sentinel":
            from .finders import Sentinels

            for name in of_sentinels:
                del options[f"sentinel_{name}"]
            limits = {"socket_timeout": CONNECT, "socket_connect_timeout": CONNECT}
            service = parts.path.strip("/").partition("/")[0]
            self._finder = self.sentinels = Sentinels(
                [_host(text, 26379) for text in hosts], service, {**limits, **of_sentinels}
            )
        return cls, options


def _of_one(parts: SplitResult, scheme: str, kind: str) -> str:
    """A URL of several servers as that of one called x."""
    credentials, at, hosts = parts.netloc.rpartition("@")
    service, _, db = parts.path.strip("/").partition("/")
    if kind not in {"sentinel", "cluster"}:
        raise ValueError(f"there is no {kind!r}")
    if not hosts:
        raise ValueError("it names no host")
    if kind == "sentinel" and not service:
        raise ValueError("after the hosts it needs the name of the service, as in …/mymaster/0")
    if kind == "cluster" and (db or service not in {"", "0"}):
        raise ValueError("a cluster has no other database than 0")
    return f"{scheme}://{credentials}{at}x/{db or 0}?{parts.query}"


def _host(text: str, port: int) -> Host:
    host, _, given = text.rpartition(":")
    return (host.strip("[]"), int(given)) if host else (text, port)
