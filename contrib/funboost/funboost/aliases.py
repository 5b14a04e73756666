"""Every name that the documentation, or a program in the field, spells otherwise than the core: here and nowhere else.

Tables say ``theirs -> ours``.  The classes are mixed into the ones that have the right names, so that editors and type
checkers know the other spellings too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import logging

    from pydantic import Field
    from typing_extensions import TypedDict

    from funboost_core import params
    from funboost_core.errors import DeadLetterTask as ExceptionForPushToDlxqueue
    from funboost_core.errors import FunboostError as FunboostException
    from funboost_core.errors import RequeueTask as ExceptionForRequeue
    from funboost_core.errors import ResultTimeout as FunboostWaitRpcResultTimeout
    from funboost_core.errors import ResultTimeout as HasNotAsyncResult
    from funboost_core.errors import RetryTask as ExceptionForRetry
    from funboost_core.errors import TaskFailed as FunboostRpcResultError
    from funboost_core.errors import TaskKilled as TaskHasKilledError

    from .active_consumers import ActiveConsumerProcessInfoGetter as ActiveCousumerProcessInfoGetter
    from .contrib.queue2queue import multi_process_queue2queue as multi_prcocess_queue2queue
    from .keep_alive import (
        wait_for_possible_has_finish_all_tasks_by_consumer_list as wait_for_possible_has_finish_all_tasks_by_conusmer_list,
    )
    from .params import FunctionResultStatusPersistenceConfig as FunctionResultStatusPersistanceConfig
    from .params import PriorityConsumingControlConfig as TaskOptions

__all__ = [
    "ActiveCousumerProcessInfoGetter",
    "ExceptionForPushToDlxqueue",
    "ExceptionForRequeue",
    "ExceptionForRetry",
    "FunboostException",
    "FunboostRpcResultError",
    "FunboostWaitRpcResultTimeout",
    "FunctionResultStatusPersistanceConfig",
    "HasNotAsyncResult",
    "TaskHasKilledError",
    "TaskOptions",
    "multi_prcocess_queue2queue",
    "wait_for_possible_has_finish_all_tasks_by_conusmer_list",
]

EXCEPTIONS = {
    "ExceptionForPushToDlxqueue": "funboost_core.errors:DeadLetterTask",
    "ExceptionForRequeue": "funboost_core.errors:RequeueTask",
    "ExceptionForRetry": "funboost_core.errors:RetryTask",
    "FunboostException": "funboost_core.errors:FunboostError",
    "FunboostRpcResultError": "funboost_core.errors:TaskFailed",
    "FunboostWaitRpcResultTimeout": "funboost_core.errors:ResultTimeout",
    "HasNotAsyncResult": "funboost_core.errors:ResultTimeout",
    "TaskHasKilledError": "funboost_core.errors:TaskKilled",
}
EXPORTS = {
    **EXCEPTIONS,
    "FunctionResultStatusPersistanceConfig": "funboost.params:FunctionResultStatusPersistenceConfig",
    "ActiveCousumerProcessInfoGetter": "funboost.active_consumers:ActiveConsumerProcessInfoGetter",
    "TaskOptions": "funboost.params:PriorityConsumingControlConfig",
    "wait_for_possible_has_finish_all_tasks_by_conusmer_list": "funboost.keep_alive:"
    "wait_for_possible_has_finish_all_tasks_by_consumer_list",
}
"""Importable names -> where the thing is and what we call it."""
QUEUE2QUEUE = {"multi_prcocess_queue2queue": "funboost.contrib.queue2queue:multi_process_queue2queue"}
"""The same for names of `funboost.contrib.queue2queue`."""

# -- fields -----------------------------------------------------------------------------------------------------

BOOSTER_FIELDS = {
    "consumin_function_decorator": "consuming_function_decorator",
    "function_result_status_persistance_conf": "history",
    "function_result_status_persistence_conf": "history",
    "is_send_consumer_hearbeat_to_redis": "is_send_consumer_heartbeat",
    "is_send_consumer_heartbeat_to_redis": "is_send_consumer_heartbeat",
    "msg_expire_senconds": "msg_expire_seconds",
}
TASK_OPTION_FIELDS = {"msg_expire_senconds": "msg_expire_seconds"}
DEPLOY = {
    "file_suffix_tuple_exluded": "file_suffix_tuple_excluded",
    "path_pattern_exluded_tuple": "path_pattern_excluded_tuple",
}
"""Arguments of `fabric_deploy` and of `ParamikoFolderUploader`."""
PRIORITY_KEY = "priroty"
"""The key of `other_extra_params` that means the priority."""

EXTRA = {"msg_expire_senconds": "msg_expire_seconds", PRIORITY_KEY: "priority"}
"""Controls in the extra of messages that other programs write."""

DOCUMENTED = {
    "consuming_function_decorator": "consumin_function_decorator",
    "history": "function_result_status_persistance_conf",
    "is_send_consumer_heartbeat": "is_send_consumer_hearbeat_to_redis",
    "msg_expire_seconds": "msg_expire_senconds",
}
"""Back again: the documented names, under which `dict()` and `json()` give the fields."""

if TYPE_CHECKING:

    class DeploySpellings(TypedDict, total=False):
        """The other spellings of arguments of `fabric_deploy`."""

        file_suffix_tuple_exluded: tuple[str, ...]
        path_pattern_exluded_tuple: tuple[str, ...]

    class BoosterFields(params.BoosterParams):
        """The other spellings of fields of `BoosterParams`."""

        consumin_function_decorator: Any = None
        function_result_status_persistance_conf: FunctionResultStatusPersistanceConfig = Field(
            default_factory=lambda: FunctionResultStatusPersistanceConfig()
        )
        function_result_status_persistence_conf: FunctionResultStatusPersistanceConfig = Field(
            default_factory=lambda: FunctionResultStatusPersistanceConfig()
        )
        is_send_consumer_hearbeat_to_redis: bool = False
        is_send_consumer_heartbeat_to_redis: bool = False
        msg_expire_senconds: params.Number | None = None

    class TaskOptionFields(params.TaskOptions):
        """The other spellings of fields of `PriorityConsumingControlConfig`."""

        msg_expire_senconds: params.Number | None = None


# -- settings ------------------------------------------------------------------------------------------------------

SETTINGS = {
    "KFFKA_SASL_CONFIG": "KAFKA_SASL_CONFIG",
    "MONGO_URL": "MONGO_CONNECT_URL",
    "NB_LOG_FORMATER_INDEX_FOR_CONSUMER_AND_PUBLISHER": "NB_LOG_FORMATTER_INDEX_FOR_CONSUMER_AND_PUBLISHER",
    "SQLACHEMY_ENGINE_URL": "SQLALCHEMY_ENGINE_URL",
    "SQLLITE_QUEUES_PATH": "SQLITE_QUEUE_PATH",
}
"""Constants of `funboost_config.py`."""


class ConnectionSpellings:
    """Misspelt attributes of `BrokerConnConfig`."""

    KFFKA_SASL_CONFIG: ClassVar[dict[str, Any]]
    SQLACHEMY_ENGINE_URL: ClassVar[str]
    SQLLITE_QUEUES_PATH: ClassVar[str]


class CommonSpellings:
    """The misspelt attribute of `FunboostCommonConfig`."""

    NB_LOG_FORMATER_INDEX_FOR_CONSUMER_AND_PUBLISHER: ClassVar[int | logging.Formatter]


OPTIONS = {
    "--boost_dirs_str": "--booster_dirs_str",
    "-booster_dirs_str": "--booster_dirs_str",
}
"""Options of the command line."""

# -- kinds --------------------------------------------------------------------------------------------------------

BROKERS = {
    "confluent_kafka": "KAFKA_CONFLUENT",
    "kafka_confluent_saslplain": "KAFKA_CONFLUENT_SASL_PLAIN",
    "local_python_queue": "MEMORY_QUEUE",
    "persistqueue": "SQLITE_QUEUE",
    "rabbitmq": "RABBITMQ_AMQPSTORM",
    "redis_ack_using_timeout": "REDIS_ACK_TIMEOUT",
    "redis_brpop_lpush": "REDIS_BRPOPLPUSH",
    "redisbrpoplpush": "REDIS_BRPOPLPUSH",
    "reids_ack_using_timeout": "REDIS_ACK_TIMEOUT",
    "sqlachemy": "SQLALCHEMY",
    "sqlite3": "SQLITE_QUEUE",
}
POOLS = {"async": "asyncio", "solo": "single_thread"}
DISTRIBUTIONS = {"kafka_confluent_sasl_plain": "funboost-broker-kafka-confluent"}
"""Kinds whose distribution is not called like them."""

DOCUMENTED_KINDS = {"SQLITE_QUEUE": "sqlite3", "asyncio": "async"}
"""Kinds whose documented constant has another value, for the defaults of `BoosterParams`."""


class BrokerSpellings:
    """Constants of `BrokerEnum` whose name or value is not the kind's."""

    CONFLUENT_KAFKA = "KAFKA_CONFLUENT"
    KAFKA_CONFLUENT_SASlPlAIN = "KAFKA_CONFLUENT_SASlPlAIN"
    LOCAL_PYTHON_QUEUE = "MEMORY_QUEUE"
    PERSISTQUEUE = SQLITE_QUEUE = "sqlite3"
    RABBITMQ = "RABBITMQ_AMQPSTORM"
    REDIS_BRPOP_LPUSH = RedisBrpopLpush = "RedisBrpopLpush"
    REIDS_ACK_USING_TIMEOUT = "reids_ack_using_timeout"
    SQLACHEMY = "SQLACHEMY"


# -- methods --------------------------------------------------------------------------------------------------------

OVERRIDABLE: dict[str, tuple[str, ...]] = {"_dispatch_task": ("_shedual_task",)}
"""Methods that a class of the user's may override under other names too."""


class ConsumerSpellings:
    """Misspelt methods of `AbstractConsumer`."""

    def _shedual_task(self) -> None:
        """The same as `_dispatch_task`."""
        self._dispatch_task()  # type: ignore[attr-defined]


class KillerSpellings:
    """The misspelt method of `RemoteTaskKiller`."""

    def send_kill_remote_task_comd(self) -> None:
        """The same as `send_kill_remote_task_command`."""
        self.send_kill_remote_task_command()  # type: ignore[attr-defined]


class HueySpellings:
    """The misspelt method of `HueyHelper`."""

    @classmethod
    def realy_start_huey_consume(cls) -> None:
        """The same as `really_start_huey_consume`."""
        cls.really_start_huey_consume()  # type: ignore[attr-defined]


class LockSpellings:
    """The misspelt method of `ExpireLockContextManager`."""

    def realese(self) -> None:
        """The same as `release`."""
        self.release()  # type: ignore[attr-defined]


HEARTBEAT = {
    "hearbeat_datetime_str": "heartbeat_datetime_str",
    "hearbeat_timestamp": "heartbeat_timestamp",
    "last_x_s_avarage_function_spend_time": "last_x_s_average_function_spend_time",
    "avarage_function_spend_time_from_start": "average_function_spend_time_from_start",
}
"""Entries of what `ActiveConsumerProcessInfoGetter` finds."""


class HeartbeatSpellings:
    """Misspelt methods of `ActiveConsumerProcessInfoGetter`."""

    def get_all_hearbeat_info_by_queue_name(self, queue_name: str) -> list[dict[str, Any]]:
        """The same as `get_all_heartbeat_info_by_queue_name`."""
        return self.get_all_heartbeat_info_by_queue_name(queue_name)  # type: ignore[attr-defined,no-any-return]

    def get_all_hearbeat_info_by_ip(self, ip: str | None = None) -> list[dict[str, Any]]:
        """The same as `get_all_heartbeat_info_by_ip`."""
        return self.get_all_heartbeat_info_by_ip(ip)  # type: ignore[attr-defined,no-any-return]

    def get_all_hearbeat_info_partition_by_queue_name(self) -> dict[str, list[dict[str, Any]]]:
        """The same as `get_all_heartbeat_info_partition_by_queue_name`."""
        return self.get_all_heartbeat_info_partition_by_queue_name()  # type: ignore[attr-defined,no-any-return]

    def get_all_hearbeat_info_partition_by_ip(self) -> dict[str, list[dict[str, Any]]]:
        """The same as `get_all_heartbeat_info_partition_by_ip`."""
        return self.get_all_heartbeat_info_partition_by_ip()  # type: ignore[attr-defined,no-any-return]


class BoosterSpellings:
    """Misspelt methods of `Booster`."""

    def multi_process_conusme(self, process_num: int = 1) -> None:
        """The same as `multi_process_consume`."""
        self.multi_process_consume(process_num)  # type: ignore[attr-defined]


def __getattr__(name: str) -> Any:
    from .lazy import load

    if name not in EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return load(EXPORTS[name])
