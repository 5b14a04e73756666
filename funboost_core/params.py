"""Everything a user can set: for a task (`BoosterParams`), for a publisher, and for one message (`TaskOptions`)."""

import datetime
from typing import TYPE_CHECKING, Any, Callable, Literal, Optional, TypeVar, Union, overload

from pydantic import BaseModel, ConfigDict, Field, model_validator

from .errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from typing_extensions import ParamSpec

    from .booster import Booster

    P = ParamSpec("P")

R = TypeVar("R")

Number = Union[float, int]
Key = Union[str, tuple[str, ...], Callable[..., Any]]
"""Which calls count as the same: the name of an argument, several, or a function of the arguments."""

_MODEL = ConfigDict(extra="forbid", arbitrary_types_allowed=True, defer_build=True)


class PublisherParams(BaseModel):
    """How to publish to a queue without knowing its function."""

    model_config = _MODEL

    queue_name: str = Field(min_length=1, description="The queue.")
    broker_kind: Optional[str] = Field(default=None, description="Broker; None = the setting BROKER_KIND.")
    log_level: int = Field(default=10, description="Level of the queue's logger.")
    logger_prefix: str = Field(default="", description="Put in front of the name of the queue's logger.")
    publish_msg_log_use_full_msg: bool = Field(
        default=False, description="Log whole messages, not only their arguments."
    )
    broker_exclusive_config: dict[str, Any] = Field(default_factory=dict, description="Options of the broker.")
    should_check_publish_func_params: bool = Field(default=True, description="Check argument names when publishing.")
    consuming_function: Optional[Callable[..., Any]] = Field(
        default=None, description="The function, where it is known."
    )


class HistoryParams(BaseModel):
    """What is kept of each run in the history store, and for how many seconds; 7 days by default.

    With `is_use_bulk_insert` the records of half a second are written together, while the tasks go on; without it the
    record is in the store when the message is acknowledged, unless the store is away.
    """

    model_config = _MODEL

    is_save_status: bool = Field(default=False, description="Keep the status.")
    is_save_result: bool = Field(default=False, description="Keep the result too.")
    expire_seconds: Number = Field(default=7 * 24 * 3600, gt=0, description="For how long.")
    is_use_bulk_insert: bool = Field(default=False, description="Write twice a second instead of at each run.")

    @model_validator(mode="after")
    def _status_first(self) -> "HistoryParams":
        if self.is_save_result and not self.is_save_status:
            raise ValueError("is_save_result needs is_save_status=True")
        return self

    def __bool__(self) -> bool:
        """Whether anything is kept."""
        return self.is_save_status


class BoosterParams(PublisherParams):
    """How a function becomes a task.  Times are in seconds.

    Example::

        @BoosterParams(queue_name="thumbnails", qps=5, concurrent_num=20)
        def thumbnail(path: str, size: int = 128) -> str: ...
    """

    concurrent_mode: Optional[str] = Field(default=None, description="Pool; None = the setting CONCURRENT_MODE.")
    concurrent_num: int = Field(default=50, ge=1, description="Most runs at once in one process; a hard limit.")
    specify_concurrent_pool: Any = Field(
        default=None, description="A pool shared between tasks; concurrent_num is its own."
    )
    specify_async_loop: Any = Field(default=None, description="Event loop to run coroutines on.")
    is_auto_start_specify_async_loop_in_child_thread: bool = Field(
        default=True, description="False: you run that loop."
    )
    qps: Optional[Number] = Field(default=None, gt=0, description="Starts per second, 0.01 ... 10000; None = no limit.")
    is_using_distributed_frequency_control: bool = Field(default=False, description="All consumers share one qps.")
    rate_group: Optional[str] = Field(
        default=None, min_length=1, description="Tasks of one group share one qps, on all hosts."
    )
    rate_key: Optional[Key] = Field(
        default=None, description="What key_qps and key_concurrent_num count by: an argument, several, or a function."
    )
    key_qps: Optional[Number] = Field(default=None, gt=0, description="Starts per second for each value of rate_key.")
    key_concurrent_num: Optional[int] = Field(
        default=None, ge=1, description="Most runs at once for each value of rate_key, on all hosts."
    )
    is_send_consumer_heartbeat: bool = Field(
        default=False, description="Tell the state store that this consumer lives."
    )
    max_retry_times: int = Field(default=3, ge=0, description="Runs after the first one that failed.")
    retry_interval: Number = Field(default=0, ge=0, lt=float("inf"), description="Seconds between runs; 0 = at once.")
    retry_backoff: Number = Field(
        default=1, ge=1, lt=float("inf"), description="Each interval is so many times the one before."
    )
    retry_interval_max: Optional[Number] = Field(
        default=None, gt=0, lt=float("inf"), description="Longest interval; None = a year."
    )
    retry_jitter: Number = Field(
        default=0, ge=0, le=1, description="Share of an interval by which it may be shorter, at random."
    )
    retry_only_for: tuple[type[BaseException], ...] = Field(
        default=(), description="Only these errors are retried; () = all."
    )
    retry_never_for: tuple[type[BaseException], ...] = Field(default=(), description="These errors are not retried.")
    dead_letter_for: tuple[type[BaseException], ...] = Field(
        default=(), description="These errors make a dead letter at once, whatever else holds."
    )
    max_deliveries: Optional[int] = Field(
        default=10, ge=1, description="Dead letter when so many workers have died of it; None = no limit."
    )
    is_push_to_dlx_queue_when_retry_max_times: bool = Field(
        default=False, description="Then to <queue>_dlx, else dropped."
    )
    consuming_function_decorator: Optional[Callable[..., Any]] = Field(
        default=None, description="Wraps the function in runs."
    )
    function_timeout: Optional[Number] = Field(
        default=None, ge=0, description="Most seconds of a run; None or 0 = no limit."
    )
    is_show_message_get_from_broker: bool = Field(default=False, description="Log each message that is taken.")
    is_print_detail_exception: bool = Field(default=True, description="Log the traceback of a failed run.")
    msg_expire_seconds: Optional[Number] = Field(default=None, ge=0, description="Skip messages published longer ago.")
    do_task_filtering: bool = Field(default=False, description="Skip messages whose arguments have run already.")
    task_filtering_expire_seconds: Number = Field(default=0, ge=0, description="How long that holds; 0 = for ever.")
    unique: Optional[Literal["while_queued", "while_running", "after_success"]] = Field(
        default=None, description="Of equal calls only one: in the queue, at a time, or ever (until one has succeeded)."
    )
    unique_key: Optional[Key] = Field(default=None, description="Arguments that make calls equal; None = all.")
    throttle_seconds: Optional[Number] = Field(
        default=None, gt=0, description="Of equal calls published within so long only the first runs."
    )
    debounce_seconds: Optional[Number] = Field(
        default=None, gt=0, description="Of equal calls only the last runs, after so long without another."
    )
    history: Optional[HistoryParams] = Field(default=None, description="What is kept of each run, and how long.")
    user_custom_record_process_info_func: Optional[Callable[..., Any]] = Field(
        default=None, description="Called (or awaited) with a FunctionResultStatus when a message is finished."
    )
    is_using_rpc_mode: bool = Field(default=False, description="Send the result back to the publisher.")
    rpc_result_expire_seconds: Number = Field(default=600, gt=0, description="How long a result waits to be read.")
    is_support_remote_kill_task: bool = Field(default=False, description="Allow tasks to be killed from afar.")
    isolation: Optional[Literal["process"]] = Field(
        default=None, description="Each run in a process of its own, which can really be killed; None = here."
    )
    isolation_memory_mb: Optional[int] = Field(
        default=None, ge=1, description="Most megabytes that runs may take in their process; None = no limit."
    )
    isolation_cpu_seconds: Optional[Number] = Field(
        default=None, gt=0, description="Most processor seconds of a run in its process; None = no limit."
    )
    is_do_not_run_by_specify_time_effect: bool = Field(
        default=False, description="Switch for do_not_run_by_specify_time."
    )
    do_not_run_by_specify_time: tuple[str, str] = Field(
        default=("10:00:00", "22:00:00"), description="Time of day in which nothing runs."
    )
    run_window: Union[str, tuple[str, ...], None] = Field(
        default=None, description="Cron expressions of the minutes in which messages may start."
    )
    schedule_tasks_on_main_thread: bool = Field(default=False, description="consume() blocks until the consumer stops.")
    is_auto_start_consuming_message: bool = Field(
        default=False, description="Start consuming where the task is declared."
    )
    process_max_tasks: Optional[int] = Field(
        default=None, ge=1, description="A child process is replaced after so many tasks; None = never."
    )
    process_max_memory_mb: Optional[int] = Field(
        default=None, ge=1, description="A child process is replaced when it is larger; None = never."
    )
    max_message_bytes: int = Field(default=16 * 1024 * 1024, ge=1, description="Larger messages are dead letters.")
    hooks: list[Any] = Field(default_factory=list, description="Hook implementations for this task alone.")
    auto_generate_info: dict[str, Any] = Field(default_factory=dict, description="Filled in by the framework.")

    @model_validator(mode="after")
    def _named(self) -> "BoosterParams":
        if not self.queue_name.strip():
            raise ValueError("queue_name is blank; give the queue a name")
        return self

    @overload
    def __call__(self, function: "Callable[P, Coroutine[Any, Any, R]]") -> "Booster[P, R, Coroutine[Any, Any, R]]": ...
    @overload
    def __call__(self, function: "Callable[P, R]") -> "Booster[P, R, R]": ...
    def __call__(self, function: Callable[..., Any]) -> Any:
        """Decorate: ``@BoosterParams(queue_name="q")`` is ``@boost(BoosterParams(queue_name="q"))``."""
        from . import boost  # through the package: importing the submodule would put it in the place of the function

        return boost(self)(function)


class TaskOptions(BaseModel):
    """Controls of one message; what is not None overrides the task's own, falsy values included.

    Example::

        thumbnail.publish({"path": "a.png"}, options=TaskOptions(max_retry_times=0, countdown=60))
    """

    model_config = _MODEL

    function_timeout: Optional[Number] = Field(default=None, ge=0)
    max_retry_times: Optional[int] = Field(default=None, ge=0)
    retry_interval: Optional[Number] = Field(default=None, ge=0, lt=float("inf"))
    is_push_to_dlx_queue_when_retry_max_times: Optional[bool] = None
    is_print_detail_exception: Optional[bool] = None
    msg_expire_seconds: Optional[Number] = Field(default=None, ge=0)
    is_using_rpc_mode: Optional[bool] = None
    countdown: Optional[Number] = Field(default=None, ge=0, description="Run this many seconds after publishing.")
    eta: Union[datetime.datetime, str, None] = Field(default=None, description="Run at this time.")
    misfire_grace_time: Optional[int] = Field(
        default=None, ge=1, description="Drop when later than this; None = never."
    )
    priority: Optional[int] = Field(default=None, ge=0, description="Higher runs first.")
    other_extra_params: Optional[dict[str, Any]] = Field(
        default=None, description="More entries for the message's extra."
    )
    filter_str: Optional[str] = Field(default=None, description="Filter by this text instead of by all arguments.")

    @model_validator(mode="after")
    def _one_time(self) -> "TaskOptions":
        if self.countdown is not None and self.eta is not None:
            raise ValueError("countdown and eta are both set; give one of them")
        if isinstance(self.eta, str):
            from .timing import parse

            try:
                parse(self.eta)
            except ValueError:
                raise ValueError(f"eta={self.eta!r} is no time such as '2030-01-31 08:00:00'") from None
        return self

    def extra(self) -> dict[str, Any]:
        """The entries for the message's extra: everything that is set, under its own name."""
        entries = {name: getattr(self, name) for name in type(self).model_fields if getattr(self, name) is not None}
        entries.update(entries.pop("other_extra_params", None) or {})
        if isinstance(entries.get("eta"), datetime.datetime):
            eta = entries["eta"]
            # with a zone of its own it must keep it; without one it means the setting TIMEZONE
            entries["eta"] = eta.isoformat(" ", "seconds") if eta.tzinfo else eta.strftime("%Y-%m-%d %H:%M:%S")
        return entries


OVERRIDES = frozenset(TaskOptions.model_fields) & frozenset(BoosterParams.model_fields)
"""Controls of the task that a message may override."""


def overridden(params: BoosterParams, extra: dict[str, Any]) -> BoosterParams:
    """`params` with what a message's extra overrides.

    Raises:
        ConfigError: an entry has a value that the task's own parameter could not have.
    """
    changes = {name: extra[name] for name in OVERRIDES if name in extra}
    if not changes:
        return params
    try:
        options = TaskOptions(**changes)
    except ValueError as error:
        raise ConfigError(f"The message's extra has a control that cannot be used: {error}") from error
    given = {name: getattr(options, name) for name in changes}
    return params.model_copy(update={name: value for name, value in given.items() if value is not None})
