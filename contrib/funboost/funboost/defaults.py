"""What this distribution adds to an environment: the documented defaults and spellings, and where settings come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from . import aliases

if TYPE_CHECKING:
    from funboost_core.environment import Environment
    from funboost_core.settings import Settings

CONNECTIONS: dict[str, Any] = {
    "REDIS_HOST": "127.0.0.1",
    "REDIS_PORT": 6379,
    "REDIS_USERNAME": "",
    "REDIS_PASSWORD": "",
    "REDIS_DB": 7,
    "REDIS_DB_FILTER_AND_RPC_RESULT": 8,
    "REDIS_SSL": False,
    "RABBITMQ_HOST": "127.0.0.1",
    "RABBITMQ_PORT": 5672,
    "RABBITMQ_USER": "",
    "RABBITMQ_PASS": "",
    "RABBITMQ_VIRTUAL_HOST": "",
    "KAFKA_BOOTSTRAP_SERVERS": ["127.0.0.1:9092"],
    "KAFKA_SASL_CONFIG": {},
    "MQTT_HOST": "127.0.0.1",
    "MQTT_TCP_PORT": 1883,
    "NATS_URL": "nats://127.0.0.1:4222",
    "NSQD_TCP_ADDRESSES": ["127.0.0.1:4150"],
    "NSQD_HTTP_CLIENT_HOST": "127.0.0.1",
    "NSQD_HTTP_CLIENT_PORT": 4151,
    "PULSAR_URL": "pulsar://127.0.0.1:6650",
    "ROCKETMQ_NAMESRV_ADDR": "127.0.0.1:9876",
    "HTTPSQS_HOST": "127.0.0.1",
    "HTTPSQS_PORT": 1218,
    "HTTPSQS_AUTH": "",
    "MONGO_CONNECT_URL": "mongodb://127.0.0.1:27017",
    "MYSQL_HOST": "127.0.0.1",
    "MYSQL_PORT": 3306,
    "MYSQL_USER": "",
    "MYSQL_PASSWORD": "",
    "MYSQL_DATABASE": "testdb6",
    "SQLALCHEMY_ENGINE_URL": "",
    "SQLITE_QUEUE_PATH": "",
    "TXT_FILE_PATH": "",
    "KOMBU_URL": "redis://127.0.0.1:6379/9",
    "CELERY_BROKER_URL": "redis://127.0.0.1:6379/12",
    "CELERY_RESULT_BACKEND": "redis://127.0.0.1:6379/13",
    "DRAMATIQ_URL": "",
}
"""Where servers and files are (class BrokerConnConfig); an empty path is one in the data folder."""

COMMON: dict[str, Any] = {
    "BROKER_KIND": "SQLITE_QUEUE",
    "CONCURRENT_MODE": "threading",
    "STATE_URL": "sqlite://",
    "TIMEZONE": "Asia/Shanghai",
    "SHOW_HOW_FUNBOOST_CONFIG_SETTINGS": True,
    "FUNBOOST_PROMPT_LOG_LEVEL": 10,
    "KEEPALIVETIMETHREAD_LOG_LEVEL": 10,
    "GENERATE_CONFIG": True,
}
"""Everything else (class FunboostCommonConfig)."""
DEFAULTS = {**CONNECTIONS, **COMMON}
"""What holds where neither arguments nor environment variables (``FUNBOOST_…``) nor configuration say otherwise.  No
password has a default."""


def apply(environment: Environment) -> None:
    """Give `environment` the defaults and spellings of the documentation; reads and opens nothing."""
    settings = environment.settings
    settings.defaults.update(DEFAULTS)
    settings.add_source("funboost_config.py", _said)
    derived = Derived(settings)
    settings.add_source("derived", lambda: derived)
    environment.aliases["brokers"].update(aliases.BROKERS)
    environment.aliases["pools"].update(aliases.POOLS)
    environment.aliases["distributions"].update(aliases.DISTRIBUTIONS)
    environment.aliases["extra"].update(aliases.EXTRA)


def _said() -> Mapping[str, Any]:
    from .config_file import values

    return values()


class Derived(Mapping[str, Any]):
    """The settings that follow from others, below those that somebody said; see `configuration.derived`."""

    names: tuple[str, ...] = ("FILTER_URL", "PROJECT_ROOT", "RESULTS_URL", "STATE_URL")

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __getitem__(self, name: str) -> Any:
        if name in self.names:  # others are asked for where tasks are declared: no import for them
            from .configuration.derived import MAKERS

            value = MAKERS[name](self._settings)
            if value is not None:
                return value
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return (name for name in self.names if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)
