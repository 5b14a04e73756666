"""What is refused where a task is declared or a message published: never silently ignored."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from .errors import CapabilityMissing, ConfigError, StateMissing
from .ports.capability import Capability
from .settings import as_bool

if TYPE_CHECKING:
    from .params import BoosterParams, TaskOptions
    from .records import BrokerSpec
    from .task import Task

_ONCE = ("do_task_filtering", "unique", "unique_key", "throttle_seconds", "debounce_seconds")
_RATES = ("is_using_distributed_frequency_control", "rate_group", "rate_key", "key_qps", "key_concurrent_num")


def refuse_impossible(task: Task) -> None:
    """Raise `CapabilityMissing` for a control that neither the broker nor the core can provide.

    Only tasks that ask for something beyond plain publishing and consuming make the broker's plugin load here.
    """
    refuse_homeless(task, task.params)
    if task.params.is_support_remote_kill_task and not task.environment.state.has("coordinator"):
        raise StateMissing(feature=f"is_support_remote_kill_task of queue {task.queue_name!r}", setting="STATE_URL")
    if task.params.is_do_not_run_by_specify_time_effect or task.params.run_window is not None:
        from .policies import windows

        windows.limits(task)
    if task.params.history and not task.environment.state.has("history"):
        raise StateMissing(feature=f"history of queue {task.queue_name!r}", setting="STATE_URL")
    if any(getattr(task.params, name) for name in _ONCE):
        from .policies import unique

        unique.refuse_impossible(task)
    if any(getattr(task.params, name) for name in _RATES):
        from .policies import rate_checks

        rate_checks.refuse(task)


def refuse_waiting(task: Task) -> None:
    """Raise `CapabilityMissing` where messages would have no place to wait until they are due."""
    if not task.environment.state.has("parking"):
        task.need(Capability.DELAY, "countdown and eta", "Set STATE_URL, so that messages can wait there.")


IN_ENGINES: Mapping[str, str] = {
    "concurrent_num": "Set the number of its workers where that engine has it set.",
    "specify_concurrent_pool": "Its own workers call the function.",
    "specify_async_loop": "Each of its workers runs coroutines on a loop of its own.",
    "is_auto_start_specify_async_loop_in_child_thread": "Each of its workers runs coroutines on a loop of its own.",
}
"""Parameters that only the owner of the workers can follow: where an engine executes, itself or nobody."""


def refuse_unowned(params: BoosterParams, spec: BrokerSpec) -> None:
    """Raise `CapabilityMissing` for a parameter that was set and that an engine does not take over, nor the core there."""
    for name, fix in IN_ENGINES.items():
        if name in params.model_fields_set and name not in (spec.owns or ()):
            raise CapabilityMissing(
                kind=spec.kind,
                queue=params.queue_name,
                feature=f"{name}={getattr(params, name)!r}",
                missing="it has workers of its own and does not own that",
                fix=f"Leave it out. {fix}",
            )


def inert(task: Task) -> list[str]:
    """Parameters whose defaults mean nothing for this task, because an engine executes it; for `explain`."""
    owns = task.spec.owns
    return [] if owns is None else [name for name in IN_ENGINES if name not in owns]


def refuse_homeless(task: Task, controls: BoosterParams | TaskOptions) -> None:
    """Raise `CapabilityMissing` where failed messages would have no place to wait, or to stay."""
    stays = controls.is_push_to_dlx_queue_when_retry_max_times or bool(getattr(controls, "dead_letter_for", None))
    if not (controls.retry_interval or stays) or task.environment.state.has("parking"):
        return
    if controls.retry_interval and "max_retry_times" not in (task.spec.owns or ()):
        task.need(Capability.DELAY, "retry_interval", "Set STATE_URL, so that messages can wait there.")
    if stays:
        task.need(Capability.SECOND_QUEUE, "a dead-letter queue", "Set STATE_URL, so that dead letters can be kept.")


def broker_options(task: Task, others: Collection[str] = ()) -> Any:
    """``broker_exclusive_config`` as the broker's options model.

    An unknown key is a warning that names the closest one; with the setting STRICT it is an error.  Keys among `others`
    are read by somebody else.

    Raises:
        ConfigError: a value does not fit.
    """
    import difflib

    from .records import resolve

    given = dict(task.params.broker_exclusive_config)
    options = task.spec.options
    model: Any = resolve(options) if isinstance(options, str) else options
    known: Mapping[str, Any] = {}
    if model is not None:
        known = {field.alias or name: field for name, field in model.model_fields.items()}
    given = {key: value for key, value in given.items() if key in known or key not in others}
    for key in [key for key in given if key not in known]:
        names = [*known, *others]
        near = difflib.get_close_matches(key, names, 1)
        text = (
            f"broker_exclusive_config of queue {task.queue_name!r} has {key!r}, which the broker {task.spec.kind} "
            f"does not know{f'. Did you mean {near[0]!r}?' if near else ''} (it knows: {', '.join(names) or 'none'})"
        )
        if as_bool(task.environment.settings("STRICT", False)):
            raise ConfigError(text)
        task.logger.warning("%s. It is left out.", text)
        del given[key]
    if model is None:
        return None
    try:
        return model(**given)
    except ValidationError as error:
        raise ConfigError(
            f"broker_exclusive_config of queue {task.queue_name!r} does not fit the broker {task.spec.kind}: "
            + "; ".join(f"{'.'.join(map(str, e['loc']))}={e['input']!r}: {e['msg']}" for e in error.errors())
        ) from error
