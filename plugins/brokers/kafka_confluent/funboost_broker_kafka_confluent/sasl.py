"""The broker KAFKA_CONFLUENT_SASL_PLAIN: the same, with user and password from a setting."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from funboost_core.errors import ConfigError

from .broker import KafkaBroker
from .link import servers_in

if TYPE_CHECKING:
    from funboost_core.ports.broker import BrokerContext
    from funboost_core.settings import Settings

SETTING = "KAFKA_SASL_CONFIG"
_FORM = '{"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN", "sasl.username": …, "sasl.password": …}'
_NAMES = {
    "sasl_plain_username": "sasl.username",
    "sasl_plain_password": "sasl.password",
    "ssl_cafile": "ssl.ca.location",
}
"""What kafka-python calls otherwise; its other names have _ for a dot."""


class SaslPlainBroker(KafkaBroker):
    """A queue on servers that want a user and a password.  What a queue says in its own options goes first."""

    def __init__(self, context: BrokerContext) -> None:
        super().__init__(context)
        access = access_of(context.settings)
        servers = access.pop("bootstrap.servers", None)
        if servers:
            self._servers = servers_in(servers, SETTING)
        options = self._options
        self._options = options.model_copy(
            update={
                "consumer_config": {**access, **options.consumer_config},
                "producer_config": {**access, **options.producer_config},
            }
        )


def access_of(settings: Settings) -> dict[str, Any]:
    """The setting, by the names of librdkafka.

    Raises:
        ConfigError: it has no user.
    """
    given = settings(SETTING) or {}
    if isinstance(given, str):  # an environment variable
        try:
            given = json.loads(given)
        except ValueError:
            given = None
    if not isinstance(given, Mapping):
        raise ConfigError(f"{SETTING} is no mapping. Set it to {_FORM}; in an environment variable as JSON.")
    access = {_NAMES.get(name, name.replace("_", ".")): value for name, value in given.items()}
    if not access.get("sasl.username"):
        raise ConfigError(f"The broker KAFKA_CONFLUENT_SASL_PLAIN needs the setting {SETTING}, such as {_FORM}.")
    return {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", **access}
