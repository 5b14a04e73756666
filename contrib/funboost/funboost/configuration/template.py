"""What is written into a project: `funboost_config.py`, and `nb_log_config.py` where it is asked for."""

from __future__ import annotations

CONFIG = '''\
"""Configuration of funboost for this project: an ordinary Python file, yours to change.

Every line that is commented out shows a default; take the # away and change the value. The environment variable
FUNBOOST_<NAME> outranks what is said here. `funboost config` shows what is effective and where it comes from.

The file was made for this project alone and has a secret key: keep it out of public repositories.
"""

from funboost.utils.simple_data_class import DataClassBase


class BrokerConnConfig(DataClassBase):
    """Where servers and files are. Passwords are written as they are: in URLs that are made of them they are quoted."""

    # Redis: the brokers REDIS..., and as soon as one of these lines says where it is, also results, filters, flags,
    # heartbeats and delayed messages (see STATE_URL below). Results and filters are in the second database.
    # REDIS_HOST = "127.0.0.1"
    # REDIS_PORT = 6379
    # REDIS_USERNAME = ""
    # REDIS_PASSWORD = ""
    # REDIS_DB = 7
    # REDIS_DB_FILTER_AND_RPC_RESULT = 8
    # REDIS_SSL = False
    # REDIS_URL = "redis://user:password@host:6379/7"  # instead of all of the above

    # RABBITMQ_HOST = "127.0.0.1"
    # RABBITMQ_PORT = 5672
    # RABBITMQ_USER = ""
    # RABBITMQ_PASS = ""
    # RABBITMQ_VIRTUAL_HOST = ""
    # RABBITMQ_URL = "amqp://user:password@host:5672/virtual_host"  # instead of all of the above

    # KAFKA_BOOTSTRAP_SERVERS = ["127.0.0.1:9092"]
    # KAFKA_SASL_CONFIG = {}

    # MQTT_HOST = "127.0.0.1"
    # MQTT_TCP_PORT = 1883

    # NATS_URL = "nats://127.0.0.1:4222"
    # PULSAR_URL = "pulsar://127.0.0.1:6650"
    # ROCKETMQ_NAMESRV_ADDR = "127.0.0.1:9876"
    # NSQD_TCP_ADDRESSES = ["127.0.0.1:4150"]
    # NSQD_HTTP_CLIENT_HOST = "127.0.0.1"
    # NSQD_HTTP_CLIENT_PORT = 4151
    # HTTPSQS_HOST = "127.0.0.1"
    # HTTPSQS_PORT = 1218
    # HTTPSQS_AUTH = ""

    # MONGO_CONNECT_URL = "mongodb://127.0.0.1:27017"
    # MYSQL_HOST = "127.0.0.1"
    # MYSQL_PORT = 3306
    # MYSQL_USER = ""
    # MYSQL_PASSWORD = ""
    # MYSQL_DATABASE = "testdb6"

    # Files; empty: in the folder .funboost beside this file.
    # SQLITE_QUEUE_PATH = ""
    # SQLALCHEMY_ENGINE_URL = ""
    # TXT_FILE_PATH = ""

    # Other frameworks as brokers.
    # KOMBU_URL = "redis://127.0.0.1:6379/9"
    # CELERY_BROKER_URL = "redis://127.0.0.1:6379/12"
    # CELERY_RESULT_BACKEND = "redis://127.0.0.1:6379/13"
    # DRAMATIQ_URL = ""


class FunboostCommonConfig(DataClassBase):
    """Everything else."""

    # Signs pickled arguments. Every host that shares queues with this one needs the same key.
    SECRET_KEY = "@SECRET_KEY@"

    # BROKER_KIND = "SQLITE_QUEUE"  # of tasks that name none
    # CONCURRENT_MODE = "threading"  # of tasks that name none

    # Where results, filters, flags, heartbeats and delayed messages are: a file on this host, or "redis://" for the
    # Redis server above (say it where that server is on 127.0.0.1 and other hosts use it too).
    # STATE_URL = "sqlite://"

    # TIMEZONE = "Asia/Shanghai"
    # NAMESPACE = ""  # put before the name of every queue, so that deployments can share a server
    # HOOKS = []  # installed hook plugins that act, for example ["nb_log"]

    # LOG_LEVEL = "INFO"  # of what is shown where the program configures no log
    # LOG_PATH = ""  # a folder: log files are written there
    # LOG_FILE = ""  # the name of a file there for the lines of all loggers

    # The layout of lines in the log: a logging.Formatter, or the number of a template of nb_log.
    # NB_LOG_FORMATTER_INDEX_FOR_CONSUMER_AND_PUBLISHER = 11

    # SHOW_HOW_FUNBOOST_CONFIG_SETTINGS = True  # log at the start which configuration file is used
    # FUNBOOST_PROMPT_LOG_LEVEL = 10  # the level of the logger that does
    # KEEPALIVETIMETHREAD_LOG_LEVEL = 10  # accepted; our pools log nothing
    # GENERATE_CONFIG = True  # write this file and funboost_cli_user.py into projects that have none
'''

NB_LOG = '''\
"""Configuration of nb_log for this project, read by nb_log; what is not said here keeps its default."""

# LOG_PATH = "/pythonlogs"  # folder of the log files
'''


def config(secret_key: str) -> str:
    """The text of `funboost_config.py`."""
    return CONFIG.replace("@SECRET_KEY@", secret_key)


def cli_user() -> str:
    """The text of `funboost_cli_user.py`: that of the module which the documentation names; empty in frozen programs."""
    from importlib.abc import InspectLoader
    from importlib.util import find_spec

    spec = find_spec("funboost.core.cli.funboost_cli_user_templ")
    loader = spec.loader if spec else None
    return (loader.get_source(spec.name) or "") if spec and isinstance(loader, InspectLoader) else ""
