"""What will happen to a call of a task: each control that is in force, where it comes from and who carries it out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, Union

from .checks import inert
from .params import OVERRIDES, BoosterParams, TaskOptions, overridden
from .ports.capability import Capability
from .settings import hide

if TYPE_CHECKING:
    from .task import Task


class Line(NamedTuple):
    """One control: its name, its value as text, where the value comes from, and what is done about it by whom."""

    control: str
    value: str
    origin: str
    how: str


class Explanation(tuple[Line, ...]):
    """The lines; as text a table."""

    __slots__ = ()

    def __str__(self) -> str:
        rows = [Line("control", "value", "from", "what happens"), *self]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        return "\n".join(
            "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths)), row.how]).rstrip() for row in rows
        )


How = Union[str, Callable[["Task", BoosterParams], str]]


def explain(task: Task, options: TaskOptions | None = None) -> Explanation:
    """What will happen to a call of `task`, published with `options`.

    Controls at their defaults are left out where the default is that nothing happens.

    Example::

        print(add.explain())
    """
    params = task.params
    given = options.extra() if options is not None else {}
    effective = overridden(params, given)
    return Explanation(tuple(_lines(task, effective, given)))


def _lines(task: Task, params: BoosterParams, given: dict[str, Any]) -> Iterator[Line]:
    yield Line("queue", task.queue_name, "decorator", f"called {task.queue!r} on the server")
    yield Line("broker", task.spec.kind, _chosen(task, "broker_kind", "BROKER_KIND"), _broker(task))
    yield Line(
        "concurrency", task.pool_spec.kind, _chosen(task, "concurrent_mode", "CONCURRENT_MODE"), _concurrency(params)
    )
    without = inert(task)
    for name, how in _HOW.items():
        value = getattr(params, name)
        origin = "message" if name in given else _origin(task.params, name)
        if origin == "default" and not (value and name in _ALWAYS):
            continue
        text = how(task, params) if callable(how) else how
        yield Line(
            name, _text(name, value), origin, "no effect: the broker's own workers decide" if name in without else text
        )
    for name, value in given.items():
        if name not in OVERRIDES:
            special = _OF_MESSAGES.get(name)
            text = special(task, params) if special else "kept in the message for the task"
            yield Line(name, _text(name, value), "message", text)


def _origin(params: BoosterParams, name: str) -> str:
    if name in params.model_fields_set:
        return "decorator"
    own = type(params).model_fields[name].get_default(call_default_factory=True)
    plain = BoosterParams.model_fields[name].get_default(call_default_factory=True)
    return "default" if own == plain else f"class {type(params).__name__}"


def _chosen(task: Task, field: str, setting: str) -> str:
    if field in task.params.model_fields_set:
        return "decorator"
    return f"setting {setting} ({task.environment.settings.origin(setting)})"


def _text(name: str, value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(getattr(item, "__name__", None) or repr(item) for item in value)
    named = getattr(value, "__qualname__", None)
    return str(named) if named else repr(hide(name, value))


# -- what happens -------------------------------------------------------------------------------------------------


def _state(task: Task, part: str) -> str:
    state = task.environment.state
    return f"in the state ({state.where(part)})" if state.has(part) else "nowhere: no STATE_URL is set"


def _broker(task: Task) -> str:
    can = task.capabilities
    if task.spec.owns is not None:
        return f"executes by itself; takes over: {', '.join(sorted(task.spec.owns)) or 'nothing'}"
    kept = (
        "a message is acknowledged after its run; what a killed consumer held comes back"
        if Capability.ACK in can
        else "hands messages out for good: what a killed consumer held is lost"
    )
    return f"{kept}; seen by {_reach(can)}"


def _reach(can: Capability) -> str:
    if Capability.CROSS_HOST in can:
        return "all hosts"
    return "the processes of this host" if Capability.CROSS_PROCESS in can else "this process"


def _concurrency(params: BoosterParams) -> str:
    if params.specify_concurrent_pool is not None:
        return "runs in the executor of specify_concurrent_pool, which bounds them"
    return f"at most {params.concurrent_num} run at once in one process"


def _waits(task: Task, params: BoosterParams) -> str:
    return "waits in the broker" if Capability.DELAY in task.capabilities else f"waits {_state(task, 'parking')}"


def _interval(task: Task, params: BoosterParams) -> str:
    if not params.max_retry_times:
        return "no effect: max_retry_times is 0"
    return f"{_waits(task, params)}; no worker is kept"


def _with_interval(task: Task, params: BoosterParams) -> str:
    return "shapes the interval" if params.retry_interval else "no effect: retry_interval is 0"


def _ends(task: Task, params: BoosterParams) -> str:
    if not params.is_push_to_dlx_queue_when_retry_max_times:
        return "dropped"
    if Capability.SECOND_QUEUE in task.capabilities:
        return f"to the broker's queue {task.queue_name}_dlx, in one step"
    return f"kept {_state(task, 'parking')} as {task.queue_name}_dlx"


def _qps(task: Task, params: BoosterParams) -> str:
    if params.rate_group:
        return f"starts a second of all consumers of the group {params.rate_group!r}, {_state(task, 'coordinator')}"
    if params.is_using_distributed_frequency_control:
        return f"starts a second of all consumers together, {_state(task, 'coordinator')}"
    return "starts a second of each consumer, evenly spaced; checked before fetching"


def _needs(other: str, text: str) -> How:
    def how(task: Task, params: BoosterParams) -> str:
        return text if getattr(params, other) not in (None, False, ()) else f"no effect: {other} is not set"

    return how


def _in_state(part: str, text: str) -> How:
    return lambda task, params: f"{text}, {_state(task, part)}"


def _timeout(task: Task, params: BoosterParams) -> str:
    if not params.function_timeout:
        return "no limit"
    return "a run that takes longer is ended and counts as failed" + (
        "" if params.isolation else "; a thread that cannot be ended is given up, and bounded in number"
    )


_PUBLISHED = "where it is published: "
_FETCHED = "after fetching, before the run: "
_HOW: dict[str, How] = {
    "should_check_publish_func_params": _PUBLISHED + "names of arguments are checked",
    "throttle_seconds": _in_state("filter", _PUBLISHED + "an equal call within the period is not published"),
    "debounce_seconds": _in_state("parking", _PUBLISHED + "waits, an equal call replaces it"),
    "qps": _qps,
    "is_using_distributed_frequency_control": _needs("qps", "qps is that of all consumers together"),
    "rate_group": _needs("qps", "qps is that of the group"),
    "run_window": "before fetching: nothing is taken in other minutes",
    "is_do_not_run_by_specify_time_effect": lambda task, params: (
        "before fetching: nothing is taken from {} to {}".format(*params.do_not_run_by_specify_time)
    ),
    "do_not_run_by_specify_time": _needs("is_do_not_run_by_specify_time_effect", "the time of day for its switch"),
    "max_message_bytes": _FETCHED + "larger messages are dead letters",
    "is_show_message_get_from_broker": _FETCHED + "it is logged",
    "max_deliveries": _FETCHED + "a dead letter once so many consumers have died of it",
    "msg_expire_seconds": _FETCHED + "skipped when older",
    "do_task_filtering": _in_state("filter", _FETCHED + "skipped when an equal one has succeeded"),
    "task_filtering_expire_seconds": _needs("do_task_filtering", "for how long that holds"),
    "unique": _in_state("filter", "of equal calls only one"),
    "unique_key": "makes calls equal",
    "rate_key": "what limits by key count by",
    "key_qps": _in_state("coordinator", _FETCHED + "put off until its key may start again"),
    "key_concurrent_num": _in_state("filter", _FETCHED + "put off while so many of its key run"),
    "consuming_function_decorator": "wraps the function in runs",
    "isolation": "each run in a process, which is killed where a thread could only be given up",
    "isolation_memory_mb": _needs("isolation", "a run that takes more memory fails"),
    "isolation_cpu_seconds": _needs("isolation", "a run that takes more processor time is killed"),
    "function_timeout": _timeout,
    "is_support_remote_kill_task": _in_state("coordinator", "can be killed from elsewhere, by an order"),
    "max_retry_times": "so many more runs after a failure",
    "retry_interval": _interval,
    "retry_backoff": _with_interval,
    "retry_interval_max": _with_interval,
    "retry_jitter": _with_interval,
    "retry_only_for": _needs("max_retry_times", "other errors end it at once"),
    "retry_never_for": _needs("max_retry_times", "these errors end it at once"),
    "dead_letter_for": lambda task, params: "these errors make a dead letter at once",
    "is_push_to_dlx_queue_when_retry_max_times": lambda task, params: f"after the last run: {_ends(task, params)}",
    "is_print_detail_exception": "tracebacks are logged",
    "is_using_rpc_mode": _in_state("replies", "the result goes back to the publisher"),
    "rpc_result_expire_seconds": _needs("is_using_rpc_mode", "how long the result waits to be read"),
    "history": _in_state("history", "what became of each run is kept"),
    "user_custom_record_process_info_func": "is told when a message is finished",
    "process_max_tasks": "of multi_process_consume: a child is replaced after so many",
    "process_max_memory_mb": "of multi_process_consume: a child is replaced when larger",
    "is_send_consumer_heartbeat": "no effect: consumers tell that they live in any case",
}
"""In the order of a message's life; fields that are named in the first lines or do nothing to a message are left out."""
_ALWAYS = frozenset({"max_retry_times", "max_deliveries", "should_check_publish_func_params"})
"""Shown at their defaults too, as these do something."""

LEFT_OUT = frozenset(
    "queue_name broker_kind broker_exclusive_config consuming_function concurrent_mode concurrent_num "
    "specify_concurrent_pool specify_async_loop is_auto_start_specify_async_loop_in_child_thread log_level logger_prefix "
    "publish_msg_log_use_full_msg schedule_tasks_on_main_thread is_auto_start_consuming_message hooks "
    "auto_generate_info".split()
)
"""Fields that have no line of their own."""


def _priority(task: Task, params: BoosterParams) -> str:
    can = Capability.PRIORITY in task.capabilities
    return "the broker hands higher ones out first" if can else "refused: the broker has no priorities"


_OF_MESSAGES: dict[str, Callable[[Task, BoosterParams], str]] = {
    "priority": _priority,
    "countdown": _waits,
    "eta": _waits,
    "misfire_grace_time": lambda task, params: "skipped when later than this",
    "filter_str": lambda task, params: "equal calls are those with the same text",
}
