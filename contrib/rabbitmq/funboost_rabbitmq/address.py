"""Where a RabbitMQ server is: from a URL, or from the settings."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, unquote, urlsplit

from funboost_core.errors import ConfigError
from funboost_core.settings import hide

if TYPE_CHECKING:
    from funboost_core.settings import Settings

FORM = "amqp://user:password@host:5672/vhost, or amqps:// for TLS; write @ : / ? # % in a password as %40 %3A %2F %3F %23 %25"
HEARTBEAT = 60
"""Seconds: the server closes a connection that was silent for twice as long."""


class Address:
    """A parsed URL; it never shows the password.

    In the URL, ``?heartbeat=`` changes the seconds between signs of life, and ``?cafile=`` names the certificates to
    trust with amqps.  The virtual host is ``/`` where none is named.

    Raises:
        ConfigError: it is no URL of a RabbitMQ server, or names no user.
    """

    def __init__(self, url: str, setting: str) -> None:
        self.setting = setting
        self.shown: str = hide("", url.partition("?")[0])
        try:
            parts = urlsplit(url)
            query = parse_qs(parts.query)
            if parts.scheme not in {"amqp", "amqps"} or not parts.hostname or parts.fragment:
                raise ValueError("it is incomplete")
            if not parts.username:
                raise ValueError("it names no user")
            self.tls: bool = parts.scheme == "amqps"
            self.host: str = parts.hostname
            self.port: int = parts.port or (5671 if self.tls else 5672)
            self.user: str = unquote(parts.username)
            self.password: str = unquote(parts.password or "")
            self.vhost: str = unquote(parts.path[1:]) or "/"
            self.heartbeat: int = int(query.get("heartbeat", [str(HEARTBEAT)])[0])
            cafile = query.get("cafile", [None])[0]
        except ValueError as error:
            told = "it cannot be read" if "port" in str(error).lower() else error  # the text may show a password
            raise ConfigError(f"{setting} names no RabbitMQ server ({told}). Use {FORM}.") from None
        try:  # what certificates are checked with
            self.tls_context: ssl.SSLContext | None = ssl.create_default_context(cafile=cafile) if self.tls else None
        except OSError as error:
            raise ConfigError(
                f"{setting} says cafile={cafile!r}, which cannot be used ({error}). Name a file with certificates, in PEM."
            ) from error

    def __repr__(self) -> str:
        return f"Address({self.shown!r})"


def address_of(settings: Settings, connection: str = "") -> Address:
    """The program's own server; or `connection`, a URL or a name: ``orders`` stands for the setting RABBITMQ_URL_ORDERS.

    Raises:
        ConfigError: no server is named, or not by a URL.
    """
    if "://" in connection:
        return Address(connection, "the option connection")
    setting = f"RABBITMQ_URL_{connection.upper()}" if connection else "RABBITMQ_URL"
    url = str(settings(setting) or "")
    if not url and connection:
        raise ConfigError(f"connection={connection!r} needs the setting {setting}, and it is empty. Set it to {FORM}.")
    return Address(url or _from_parts(settings), setting)


def _from_parts(settings: Settings) -> str:
    """The documented single settings."""
    user, password = str(settings("RABBITMQ_USER") or ""), str(settings("RABBITMQ_PASS") or "")
    if not user:
        raise ConfigError(
            f"No RabbitMQ server is named. Set RABBITMQ_URL to {FORM}. Or set RABBITMQ_USER, RABBITMQ_PASS, "
            "RABBITMQ_HOST, RABBITMQ_PORT and RABBITMQ_VIRTUAL_HOST."
        )
    host, port = settings("RABBITMQ_HOST") or "127.0.0.1", settings("RABBITMQ_PORT") or 5672
    vhost = quote(str(settings("RABBITMQ_VIRTUAL_HOST") or "/"), "")
    return f"amqp://{quote(user, '')}:{quote(password, '')}@{host}:{port}/{vhost}"
