"""Which meaning of *unique* a task uses, and where its keys are kept: shared by the publishing and the consuming side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Callable

from ..errors import ConfigError, StateMissing
from ..ports.capability import Capability
from .keys import key_of, short_text

if TYPE_CHECKING:
    from ..params import BoosterParams
    from ..task import Task

WHILE_QUEUED = "while_queued"
WHILE_RUNNING = "while_running"
AFTER_SUCCESS = "after_success"
THROTTLE = "throttle"
DEBOUNCE = "debounce"

CLAIMED = "claimed_as"
"""Entry of a message's extra: the key under which its publisher claimed a place in the queue, to be given up by it."""

KeyOfCall = Callable[[Mapping[str, Any], Mapping[str, Any]], str]


def meaning(params: BoosterParams) -> str | None:
    """When equal calls exclude each other; `do_task_filtering` is an older name for `after_success`."""
    return params.unique or (AFTER_SUCCESS if params.do_task_filtering else None)


def scope(task: Task, what: str) -> str:
    """Under which scope the filter keeps the keys of a queue for one of the meanings."""
    return f"{task.queue}:{what}"


def forget(task: Task) -> None:
    """Forget which calls of a queue have run: what would be refused as a repetition may run again."""
    for what in (AFTER_SUCCESS, THROTTLE):
        task.environment.state.filter.clear(scope(task, what))


def key_of_call(task: Task) -> KeyOfCall:
    """The function that gives the key of a call by its arguments and extra: its own `filter_str`, else `unique_key`.

    Raises:
        ConfigError: `unique_key` names an argument that the function has not.
    """
    of_arguments = key_of(task.params.unique_key, task, "unique_key")

    def key(arguments: Mapping[str, Any], extra: Mapping[str, Any]) -> str:
        text = extra.get("filter_str")
        return of_arguments(arguments) if text is None else short_text(str(text))

    return key


def refuse_impossible(task: Task) -> None:
    """Refuse, where a task is declared, what contradicts itself or has no place to be kept.

    Raises:
        ConfigError: two controls exclude each other, or `unique_key` does not fit.
        StateMissing, CapabilityMissing: there is no place for keys, or for messages that wait.
    """
    params, state = task.params, task.environment.state
    what, throttled, debounced = meaning(params), bool(params.throttle_seconds), bool(params.debounce_seconds)
    if not (what or throttled or debounced):
        raise _contradiction(task, f"unique_key={params.unique_key!r} and nothing that uses it", "Set unique as well")
    key_of_call(task)
    if params.do_task_filtering and what != AFTER_SUCCESS:
        raise _contradiction(task, f"do_task_filtering, which is unique={AFTER_SUCCESS!r}, and unique={what!r}")
    if debounced:
        if throttled:
            raise _contradiction(task, "throttle_seconds, by which the first call runs, and debounce_seconds, the last")
        if what == WHILE_QUEUED:
            raise _contradiction(task, f"debounce_seconds, by which one waits at most, and unique={what!r}")
        if params.is_using_rpc_mode:
            raise no_reply(task)
        if not state.has("parking"):
            raise StateMissing(feature=f"debounce_seconds of queue {task.queue_name!r}", setting="STATE_URL")
    if (what or throttled) and not state.has("filter"):
        raise StateMissing(feature=f"{_name(params)} of queue {task.queue_name!r}", setting="STATE_URL")
    if what and Capability.BROADCAST in task.capabilities:
        raise _contradiction(
            task,
            f"{_name(params)} and the broker {task.spec.kind}, which hands each message to all consumers",
            "Leave it out, or choose a broker that hands each message to one of them",
        )
    if what in (WHILE_RUNNING, AFTER_SUCCESS) and not state.has("parking"):
        task.need(Capability.DELAY, _name(params), "Set STATE_URL, so that equal messages can wait there.")


def no_reply(task: Task) -> ConfigError:
    """Who waits for the result of a call that an equal one has replaced would wait in vain."""
    return _contradiction(task, "debounce_seconds, by which only the last of equal calls runs, and is_using_rpc_mode")


def _name(params: BoosterParams) -> str:
    if params.do_task_filtering:
        return "do_task_filtering"
    return f"unique={params.unique!r}" if params.unique else "throttle_seconds"


def _contradiction(task: Task, what: str, fix: str = "Leave one of them out") -> ConfigError:
    return ConfigError(f"Queue {task.queue_name!r} has {what}. {fix}.")
