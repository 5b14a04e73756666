"""Where the servers are and who we are there: the setting NATS_URL, read once, its password kept out of every error."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from funboost_core import ConfigError
from funboost_core.settings import hide

if TYPE_CHECKING:
    from funboost_core.settings import Settings

DEFAULT = "nats://127.0.0.1:4222"
_SCHEMES = ("nats", "tls")


class Address(NamedTuple):
    """The servers of a cluster, and what to say there."""

    servers: list[str]
    """Their URLs, without names and passwords."""
    credentials: dict[str, str]
    tls: ssl.SSLContext | None

    def __str__(self) -> str:
        return ",".join(self.servers)


def address(settings: Settings) -> Address:
    """By NATS_URL, one URL or several with commas between them, and NATS_CA_FILE.

    Raises:
        ConfigError: NATS_URL is none, or the file has no certificates.
    """
    value = str(settings("NATS_URL") or DEFAULT)
    servers: list[str] = []
    credentials: dict[str, str] = {}
    tls = False
    for text in value.split(","):
        try:
            parts = urlsplit(text.strip())
            host, port = parts.hostname, parts.port or 4222
        except ValueError as error:
            raise _wrong(value, str(error)) from None
        if parts.scheme not in _SCHEMES or not host:
            raise _wrong(value, "it begins with neither nats:// nor tls://, or has no host")
        tls = tls or parts.scheme == "tls"
        servers.append(f"nats://{f'[{host}]' if ':' in host else host}:{port}")
        if parts.password is not None:
            credentials = {"user": unquote(parts.username or ""), "password": unquote(parts.password)}
        elif parts.username:
            credentials = {"token": unquote(parts.username)}
    return Address(servers, credentials, _context(str(settings("NATS_CA_FILE") or "")) if tls else None)


def _context(file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=file or None)
    except OSError as error:
        raise ConfigError(
            f"NATS_CA_FILE={file!r} cannot be used ({error}). Name a file with certificates (PEM)."
        ) from None


def _wrong(value: str, problem: str) -> ConfigError:
    return ConfigError(
        f"NATS_URL={hide('NATS_URL', value)!r} is no address of a NATS server: {problem}. Write it like {DEFAULT} or "
        "nats://user:password@host:4222, several with commas between them; percent-encode special characters."
    )


def subject(queue: str) -> str:
    """The subject of a queue: its name.

    Raises:
        ConfigError: NATS knows no such subject.
    """
    if not queue or any(c.isspace() or c in "*>" for c in queue) or not all(queue.split(".")) or queue[0] == "$":
        raise ConfigError(
            f"queue_name={queue!r} is no subject of NATS. Leave out spaces, * and >, a $ at the beginning, and dots at "
            "the ends or beside each other."
        )
    return queue
