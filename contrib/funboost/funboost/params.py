"""The documented parameter classes: the core's, with the documented defaults, further fields and spellings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Callable, ClassVar, Literal, Optional, overload

from pydantic import ConfigDict, Field, model_validator

from funboost_core import params as core
from funboost_core.environment import default

from . import aliases
from .models import BaseJsonAbleModel

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from typing_extensions import ParamSpec, TypeVar

    from .aliases import BoosterFields, TaskOptionFields
    from .booster import Booster

    P = ParamSpec("P")
    R = TypeVar("R")
else:
    BoosterFields, TaskOptionFields = core.BoosterParams, core.TaskOptions

_CONCURRENT_NUM = 50
_CONCURRENT_NUM_WITH_QPS = 500

Kind = Literal["CLASS_METHOD", "INSTANCE_METHOD", "STATIC_METHOD", "COMMON_FUNCTION"]


def _configured(setting: str) -> Callable[[], str]:
    def kind() -> str:
        configured = str(default().settings(setting))
        return aliases.DOCUMENTED_KINDS.get(configured, configured)

    return kind


class FunctionResultStatusPersistenceConfig(BaseJsonAbleModel, core.HistoryParams):
    """What is kept of each run, and for how many seconds; 7 days by default.

    Example::

        FunctionResultStatusPersistenceConfig(is_save_status=True, is_save_result=True, is_use_bulk_insert=True)
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    if not TYPE_CHECKING:

        def __init__(self, *args, **values):
            super().__init__(**dict(zip(type(self).model_fields, args)), **values)


class LogFileFields(BaseJsonAbleModel):
    """Fields about log files that publishers and tasks share."""

    create_logger_file: bool = Field(
        default=True, description="False: no log file for the queue; there are none unless LOG_PATH is set."
    )
    logger_name: str = Field(default="", description="Name of a logger to use instead of the queue's own.")
    log_filename: Optional[str] = Field(
        default=None, description="Name of the queue's log file in LOG_PATH; `funboost.<queue_name>.log` if None."
    )
    consuming_function_kind: Optional[Kind] = Field(default=None, description="A FunctionKind; found out if None.")
    publisher_override_cls: Optional[type] = Field(default=None, description="A class that changes how is published.")


class PublisherParams(LogFileFields, core.PublisherParams):
    """How to publish to a queue without knowing its function."""

    fixed_fields: ClassVar[bool] = True

    clear_queue_within_init: bool = Field(default=False, description="Empty the queue first.")


class BoosterParams(LogFileFields, BoosterFields):
    """How a function becomes a task.  Times are in seconds.

    Also a decorator.  Subclass it to change defaults, under any spelling of the names::

        class Mine(BoosterParams):
            broker_kind: str = BrokerEnum.MEMORY_QUEUE
            max_retry_times: int = 4

        @Mine(queue_name="thumbnails", qps=5)
        def thumbnail(path: str, size: int = 128) -> str: ...

    Where `qps` is set and `concurrent_num` is not, `concurrent_num` is 500; in single_thread mode it is 1.

    Raises:
        ConfigError: a ValueError that names the field and what is wrong with it.
    """

    spellings: ClassVar[Mapping[str, str]] = aliases.BOOSTER_FIELDS
    fixed_fields: ClassVar[bool] = True

    broker_kind: str = Field(  # pyright: ignore[reportIncompatibleVariableOverride]  here it has a default
        default_factory=_configured("BROKER_KIND"), description="One of BrokerEnum, or any installed kind."
    )
    concurrent_mode: str = Field(  # pyright: ignore[reportIncompatibleVariableOverride]
        default_factory=_configured("CONCURRENT_MODE"), description="One of ConcurrentModeEnum, or any installed mode."
    )
    history: FunctionResultStatusPersistenceConfig = Field(  # pyright: ignore[reportIncompatibleVariableOverride]
        default_factory=FunctionResultStatusPersistenceConfig, description="What is kept of each run."
    )
    delay_task_apscheduler_jobstores_kind: Literal["redis", "memory"] = Field(
        default="redis", description="Both work: delayed messages wait in the state store (STATE_URL) or the broker."
    )
    booster_group: Optional[str] = Field(
        default=None,
        min_length=1,
        description="Tasks of one group can be started together: `BoostersManager.consume_group`.",
    )
    consuming_function_raw: Optional[Callable[..., Any]] = Field(default=None, description="Filled in.")
    consuming_function_name: str = Field(default="", description="Filled in.")
    consumer_override_cls: Optional[type] = Field(default=None, description="A class that changes how is consumed.")

    @model_validator(mode="after")
    def _concurrency(self) -> BoosterParams:
        own = type(self).model_fields["concurrent_num"].default
        if self.concurrent_mode.casefold() in {"single_thread", "solo"}:
            vars(self)["concurrent_num"] = 1
        elif self.qps and "concurrent_num" not in self.model_fields_set and own == _CONCURRENT_NUM:
            vars(self)["concurrent_num"] = _CONCURRENT_NUM_WITH_QPS
        return self

    if TYPE_CHECKING:

        @overload
        def __call__(self, function: Callable[P, Coroutine[Any, Any, R]]) -> Booster[P, R, Coroutine[Any, Any, R]]: ...
        @overload
        def __call__(self, function: Callable[P, R]) -> Booster[P, R, R]: ...
        def __call__(self, function: Any) -> Any:
            """Decorate."""

    else:

        def __call__(self, function):
            """Decorate: ``@BoosterParams(queue_name="q")`` is ``@boost(BoosterParams(queue_name="q"))``."""
            from .booster import boost

            return boost(self)(function)


def _shared_pool() -> Any:
    from .concurrent_pool import ConcurrentPoolBuilder, FlexibleThreadPool

    return ConcurrentPoolBuilder.get_pool(FlexibleThreadPool, 500)


class BoosterParamsComplete(BoosterParams):
    """Everything that can be watched is switched on: status and result are kept, results can be waited for, consumers
    tell about themselves.  On RabbitMQ, and all tasks share one pool of 500 threads.

    Example::

        @boost(BoosterParamsComplete(queue_name="orders"))
        def order(number: int) -> str: ...
    """

    broker_kind: str = "RABBITMQ_AMQPSTORM"
    specify_concurrent_pool: Any = Field(default_factory=_shared_pool)
    history: FunctionResultStatusPersistenceConfig = Field(
        default_factory=lambda: FunctionResultStatusPersistenceConfig(is_save_status=True, is_save_result=True)
    )
    is_send_consumer_heartbeat: bool = True
    is_using_rpc_mode: bool = True
    rpc_result_expire_seconds: int = 3600


class PriorityConsumingControlConfig(BaseJsonAbleModel, TaskOptionFields):
    """Controls of one message; what is not None overrides the task's own, falsy values included.

    Example::

        f.publish({"x": 1}, priority_control_config=PriorityConsumingControlConfig(countdown=60, max_retry_times=0))

    Raises:
        ConfigError: `countdown` and `eta` are both set, or a value cannot be used; it is a ValueError.
    """

    spellings: ClassVar[Mapping[str, str]] = aliases.TASK_OPTION_FIELDS
    fixed_fields: ClassVar[bool] = True

    can_not_json_serializable_keys: Optional[list[str]] = Field(default=None, description="Filled in.")

    @model_validator(mode="after")
    def _understood(self) -> PriorityConsumingControlConfig:
        priority = (self.other_extra_params or {}).get(aliases.PRIORITY_KEY)
        if priority is not None and self.priority is None:
            if type(priority) is not int or priority < 0:
                raise ValueError(f"the priority in other_extra_params is {priority!r}, not an int of 0 or more")
            vars(self)["priority"] = priority
        return self

    def extra(self) -> dict[str, Any]:
        """The entries for the message's extra; `other_extra_params` under its own name, as documented."""
        entries = self.model_copy(update={"other_extra_params": None})._entries()
        if self.other_extra_params:
            entries["other_extra_params"] = self.other_extra_params
        return entries

    def _entries(self) -> dict[str, Any]:
        return super().extra()
