"""Where the settings say that servers are, and whether somebody answers there; no client library is needed."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterable, Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from funboost_core.errors import FunboostError
from funboost_core.settings import PREFIX, Settings, hide

from .. import config_file
from ..configuration import urls

if TYPE_CHECKING:
    from funboost_core.environment import Environment
    from funboost_core.records import ServerSpec

PATIENCE = 3.0
"""Seconds within which a server has to accept a connection."""


def configured(environment: Environment, kinds: Iterable[str]) -> list[tuple[ServerSpec, bool]]:
    """The servers that brokers of these kinds use, or that a setting names; and whether they are used."""
    servers, aliases = _installed(environment), environment.aliases["brokers"]
    used = {servers.get(aliases.get(kind.casefold(), kind).casefold()) for kind in kinds}
    found = [(server, server in used) for server in dict.fromkeys(servers.values())]
    return [(server, is_used) for server, is_used in found if is_used or _said(environment.settings, server.prefix)]


def _installed(environment: Environment) -> dict[str, ServerSpec]:
    """The servers of the brokers that are installed, by their kinds in lower case."""
    found = {}
    for kind in environment.catalog.kinds("brokers"):
        try:
            server = environment.catalog.find("brokers", kind).server
        except FunboostError:  # `doctor` says elsewhere that the plugin does not load
            continue
        if server is not None:
            found[kind.casefold()] = server
    return found


def extras_to_install(environment: Environment) -> list[str]:
    """Extras of this distribution that bring brokers, none of which is installed, for servers that a setting names."""
    there = {server.prefix for server in _installed(environment).values()}
    lines = metadata.requires("funboost") or ()
    extras = {found[1] for line in lines if (found := re.match(r"funboost-broker-.*extra == ['\"]([a-z]+)['\"]", line))}
    prefixes = {f"{extra.upper()}_": extra for extra in sorted(extras)}
    return [extra for prefix, extra in prefixes.items() if prefix not in there and _said(environment.settings, prefix)]


def _said(settings: Settings, prefix: str) -> bool:
    """Whether somebody has set a setting whose name begins with `prefix`."""
    names = [*settings.values, *(name[len(PREFIX) :] for name in os.environ if name.startswith(PREFIX))]
    changed = filter(config_file.differs, config_file.values())
    return any(name.startswith(prefix) for name in (*names, *changed))


def addresses(server: ServerSpec, settings: Settings) -> list[tuple[str, int]]:
    """The hosts and ports to knock at; empty where the setting names none, or a file."""
    given: Any = settings(server.setting)
    if server.port_setting and given:
        port = settings(server.port_setting)
        given = [f"{given}:{port}" if port else given]
    if not given and server.setting in urls.DERIVED:
        given = urls.DERIVED[server.setting](settings)
    texts: Sequence[Any] = given if isinstance(given, (list, tuple)) else _separate(str(given or ""))
    return [address for address in (_address(str(text).strip(), server) for text in texts) if address]


def _separate(given: str) -> list[str]:
    scheme, found, rest = given.rpartition("://")
    login, _, hosts = rest.rpartition("@")
    separator = ";" if ";" in hosts else ","
    return [f"{scheme}{found}{login}{'@' if login else ''}{host}" for host in hosts.split(separator) if host]


def _address(text: str, server: ServerSpec) -> tuple[str, int] | None:
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        port = parts.port or (parts.scheme.endswith("s") and server.tls_port) or server.port
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
