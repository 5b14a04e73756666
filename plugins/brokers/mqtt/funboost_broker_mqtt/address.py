"""Where the MQTT server is, and how to name ourselves there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funboost_core.errors import ConfigError
from funboost_core.settings import as_bool

from .unpatched import ssl

if TYPE_CHECKING:
    from funboost_core.settings import Settings

WILD = "+#\x00"


class Address:
    """The settings MQTT_HOST, MQTT_TCP_PORT, MQTT_USERNAME, MQTT_PASSWORD, MQTT_SSL and MQTT_CA_FILE.

    Raises:
        ConfigError: the port is no number, or the file has no certificates.
    """

    def __init__(self, settings: Settings) -> None:
        self.host = str(settings("MQTT_HOST") or "127.0.0.1")
        port = settings("MQTT_TCP_PORT") or 1883
        try:
            self.port = int(port)
        except ValueError:
            raise ConfigError(
                f"MQTT_TCP_PORT is {port!r}, which is no number. Its usual values are 1883 and 8883."
            ) from None
        self.username = str(settings("MQTT_USERNAME") or "")
        self._password = str(settings("MQTT_PASSWORD") or "")
        self._tls = _tls(str(settings("MQTT_CA_FILE") or "")) if as_bool(settings("MQTT_SSL", False)) else None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def prepare(self, client: Any) -> None:
        """Give a paho client its credentials and its certificates."""
        if self.username or self._password:
            client.username_pw_set(self.username, self._password or None)
        if self._tls is not None:
            client.tls_set_context(self._tls)


def _tls(file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=file or None)
    except OSError as error:
        raise ConfigError(
            f"MQTT_CA_FILE={file!r} cannot be used ({error}). Name a file with certificates (PEM)."
        ) from None


def checked_topic(name: str, what: str) -> str:
    """`name`, which can be published to.

    Raises:
        ConfigError: it has characters with a meaning of their own in MQTT.
    """
    if not name or name.startswith("$") or any(character in name for character in WILD) or len(name.encode()) > 65535:
        raise ConfigError(
            f"{what} {name!r} cannot be an MQTT topic: it must not be empty, begin with $ or contain + or #."
        )
    return name
