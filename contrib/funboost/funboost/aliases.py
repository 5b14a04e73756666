"""Every name that the documentation, or a program in the field, spells otherwise than the core: here and nowhere else.

Tables say ``theirs -> ours``.  The classes are mixed into the ones that have the right names, so that editors and type
checkers know the other spellings too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import Field

    from funboost_core import params
    from funboost_core.errors import DeadLetterTask as ExceptionForPushToDlxqueue
    from funboost_core.errors import FunboostError as FunboostException
    from funboost_core.errors import RequeueTask as ExceptionForRequeue
    from funboost_core.errors import ResultTimeout as FunboostWaitRpcResultTimeout
    from funboost_core.errors import ResultTimeout as HasNotAsyncResult
    from funboost_core.errors import RetryTask as ExceptionForRetry
    from funboost_core.errors import TaskFailed as FunboostRpcResultError

    from .keep_alive import (
        wait_for_possible_has_finish_all_tasks_by_consumer_list as wait_for_possible_has_finish_all_tasks_by_conusmer_list,
    )
    from .params import FunctionResultStatusPersistenceConfig as FunctionResultStatusPersistanceConfig
    from .params import PriorityConsumingControlConfig as TaskOptions

__all__ = [
    "ExceptionForPushToDlxqueue",
    "ExceptionForRequeue",
    "ExceptionForRetry",
    "FunboostException",
    "FunboostRpcResultError",
    "FunboostWaitRpcResultTimeout",
    "FunctionResultStatusPersistanceConfig",
    "HasNotAsyncResult",
    "TaskOptions",
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
}
EXPORTS = {
    **EXCEPTIONS,
    "FunctionResultStatusPersistanceConfig": "funboost.params:FunctionResultStatusPersistenceConfig",
    "TaskOptions": "funboost.params:PriorityConsumingControlConfig",
    "wait_for_possible_has_finish_all_tasks_by_conusmer_list": "funboost.keep_alive:"
    "wait_for_possible_has_finish_all_tasks_by_consumer_list",
}
"""Importable names -> where the thing is and what we call it."""

LATER = frozenset(
    "ActiveCousumerProcessInfoGetter ApsJobAdder BoosterDiscovery "
    "BoosterParamsComplete BoostersManager BrokerConnConfig FunboostCommonConfig "
    "FunboostFileLoggerMixin ParamikoFolderUploader RedisMixin RemoteTaskKiller ResultFromMongo "
    "fsdf_background_scheduler funboost_aps_scheduler get_funboost_file_logger get_logger "
    "nb_print show_current_threads_num timing_publish_deco".split()
)
"""Documented names that are still to come."""

# -- fields -----------------------------------------------------------------------------------------------------

BOOSTER_FIELDS = {
    "consumin_function_decorator": "consuming_function_decorator",
    "function_result_status_persistance_conf": "function_result_status_persistence_conf",
    "is_send_consumer_hearbeat_to_redis": "is_send_consumer_heartbeat",
    "is_send_consumer_heartbeat_to_redis": "is_send_consumer_heartbeat",
    "msg_expire_senconds": "msg_expire_seconds",
}
TASK_OPTION_FIELDS = {"msg_expire_senconds": "msg_expire_seconds"}
PRIORITY_KEY = "priroty"
"""The key of `other_extra_params` that means the priority."""

EXTRA = {"msg_expire_senconds": "msg_expire_seconds", PRIORITY_KEY: "priority"}
"""Controls in the extra of messages that other programs write."""

DOCUMENTED = {
    "consuming_function_decorator": "consumin_function_decorator",
    "function_result_status_persistence_conf": "function_result_status_persistance_conf",
    "is_send_consumer_heartbeat": "is_send_consumer_hearbeat_to_redis",
    "msg_expire_seconds": "msg_expire_senconds",
}
"""Back again: the documented names, under which `dict()` and `json()` give the fields."""

if TYPE_CHECKING:

    class BoosterFields(params.BoosterParams):
        """The other spellings of fields of `BoosterParams`."""

        consumin_function_decorator: Any = None
        function_result_status_persistance_conf: FunctionResultStatusPersistanceConfig = Field(
            default_factory=lambda: FunctionResultStatusPersistanceConfig()
        )
        is_send_consumer_hearbeat_to_redis: bool = False
        is_send_consumer_heartbeat_to_redis: bool = False
        msg_expire_senconds: params.Number | None = None

    class TaskOptionFields(params.TaskOptions):
        """The other spellings of fields of `PriorityConsumingControlConfig`."""

        msg_expire_senconds: params.Number | None = None


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
