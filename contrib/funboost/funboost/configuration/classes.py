"""`BrokerConnConfig` and `FunboostCommonConfig`: the effective settings as attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from .. import aliases, defaults
from ..utils.simple_data_class import DataClassBase, DataClassMeta
from . import urls

if TYPE_CHECKING:
    import logging

    from ..aliases import CommonSpellings, ConnectionSpellings
else:
    ConnectionSpellings, CommonSpellings = aliases.ConnectionSpellings, aliases.CommonSpellings


class Effective(DataClassMeta):
    """Attributes in capitals are read from, and written to, the settings of this program."""

    def __getattr__(cls, name: str) -> Any:
        if not name.isupper() or name.startswith("_"):
            raise AttributeError(f"type object {cls.__name__!r} has no attribute {name!r}")
        return _effective(cls.__name__, name)

    def __setattr__(cls, name: str, value: Any) -> None:
        if name.isupper() and not name.startswith("_"):
            _settings().values[aliases.SETTINGS.get(name, name)] = value
        else:
            super().__setattr__(name, value)


class BrokerConnConfig(ConnectionSpellings, DataClassBase, metaclass=Effective):
    """Where the servers are.

    An attribute is what is effective: an argument, else the environment variable ``FUNBOOST_<name>``, else
    `funboost_config.py`, else the documented default.  Assigning changes the arguments.  Passwords in the URLs that are
    made of single settings (REDIS_URL, RABBITMQ_URL) are quoted.

    Example::

        redis.Redis.from_url(BrokerConnConfig.REDIS_URL)
    """

    REDIS_HOST: ClassVar[str]
    REDIS_PORT: ClassVar[int]
    REDIS_USERNAME: ClassVar[str]
    REDIS_PASSWORD: ClassVar[str]
    REDIS_DB: ClassVar[int]
    REDIS_DB_FILTER_AND_RPC_RESULT: ClassVar[int]
    REDIS_SSL: ClassVar[bool]
    REDIS_URL: ClassVar[str]
    RABBITMQ_HOST: ClassVar[str]
    RABBITMQ_PORT: ClassVar[int]
    RABBITMQ_USER: ClassVar[str]
    RABBITMQ_PASS: ClassVar[str]
    RABBITMQ_VIRTUAL_HOST: ClassVar[str]
    RABBITMQ_URL: ClassVar[str]
    KAFKA_BOOTSTRAP_SERVERS: ClassVar[list[str]]
    KAFKA_SASL_CONFIG: ClassVar[dict[str, Any]]
    MQTT_HOST: ClassVar[str]
    MQTT_TCP_PORT: ClassVar[int]
    NATS_URL: ClassVar[str]
    NSQD_TCP_ADDRESSES: ClassVar[list[str]]
    NSQD_HTTP_CLIENT_HOST: ClassVar[str]
    NSQD_HTTP_CLIENT_PORT: ClassVar[int]
    PULSAR_URL: ClassVar[str]
    ROCKETMQ_NAMESRV_ADDR: ClassVar[str]
    HTTPSQS_HOST: ClassVar[str]
    HTTPSQS_PORT: ClassVar[int]
    HTTPSQS_AUTH: ClassVar[str]
    MONGO_CONNECT_URL: ClassVar[str]
    MYSQL_HOST: ClassVar[str]
    MYSQL_PORT: ClassVar[int]
    MYSQL_USER: ClassVar[str]
    MYSQL_PASSWORD: ClassVar[str]
    MYSQL_DATABASE: ClassVar[str]
    SQLALCHEMY_ENGINE_URL: ClassVar[str]
    SQLITE_QUEUE_PATH: ClassVar[str]
    TXT_FILE_PATH: ClassVar[str]
    KOMBU_URL: ClassVar[str]
    CELERY_BROKER_URL: ClassVar[str]
    CELERY_RESULT_BACKEND: ClassVar[str | None]
    DRAMATIQ_URL: ClassVar[str]


class FunboostCommonConfig(CommonSpellings, DataClassBase, metaclass=Effective):
    """Everything that is no connection; read and written as in `BrokerConnConfig`."""

    NB_LOG_FORMATTER_INDEX_FOR_CONSUMER_AND_PUBLISHER: ClassVar[int | logging.Formatter]
    TIMEZONE: ClassVar[str]
    BROKER_KIND: ClassVar[str]
    CONCURRENT_MODE: ClassVar[str]
    STATE_URL: ClassVar[str]
    NAMESPACE: ClassVar[str | None]
    HOOKS: ClassVar[str | None]
    SECRET_KEY: ClassVar[str | None]
    DATA_DIR: ClassVar[str | None]
    GENERATE_CONFIG: ClassVar[bool]
    SHOW_HOW_FUNBOOST_CONFIG_SETTINGS: ClassVar[bool]
    FUNBOOST_PROMPT_LOG_LEVEL: ClassVar[int]
    KEEPALIVETIMETHREAD_LOG_LEVEL: ClassVar[int]


_FORMATTER = "NB_LOG_FORMATTER_INDEX_FOR_CONSUMER_AND_PUBLISHER"
_NONE_BY_DEFAULT = {"NAMESPACE", "HOOKS", "SECRET_KEY", "DATA_DIR"}


def _settings() -> Any:
    from funboost_core.environment import default

    return default().settings


def _effective(cls: str, name: str) -> Any:
    settings, ours = _settings(), aliases.SETTINGS.get(name, name)
    if ours in urls.DERIVED:
        return settings(ours) or urls.DERIVED[ours](settings)
    if settings.origin(ours):
        fallback = defaults.DEFAULTS.get(ours)
        return as_type_of(fallback, settings(ours))
    if ours == _FORMATTER:
        from .formatter import default_formatter

        return default_formatter()
    if ours in _NONE_BY_DEFAULT:
        return None
    from difflib import get_close_matches

    near = get_close_matches(name, [*defaults.DEFAULTS, *aliases.SETTINGS], 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise AttributeError(f"{cls} has no {name!r}, and nothing sets it.{hint}")


def as_type_of(model: Any, value: Any) -> Any:
    """A text, as environment variables are, as the type of `model`; anything else as it is."""
    if not isinstance(value, str) or isinstance(model, str):
        return value
    if isinstance(model, bool):
        from funboost_core.settings import as_bool

        return as_bool(value)
    if isinstance(model, int):
        return int(value) if value.strip().lstrip("-").isdigit() else value
    if isinstance(model, list):
        return [text.strip() for text in value.split(",") if text.strip()]
    if isinstance(model, dict) and value.strip().startswith("{"):
        import json

        return json.loads(value)
    return value
