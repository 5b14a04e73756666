"""What is refused where a task is declared or a message published: never silently ignored."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from .errors import ConfigError, NotAvailableYet
from .ports.capability import Capability
from .settings import as_bool

if TYPE_CHECKING:
    from .task import Task

NOT_YET = frozenset(
    {
        "is_using_distributed_frequency_control",
        "function_timeout",
        "do_task_filtering",
        "task_filtering_expire_seconds",
        "is_support_remote_kill_task",
        "is_do_not_run_by_specify_time_effect",
        "filter_str",
        "rate_group",
        "rate_key",
        "key_qps",
        "key_concurrent_num",
        "retry_backoff",
        "retry_interval_max",
        "retry_jitter",
        "retry_only_for",
        "retry_never_for",
        "dead_letter_for",
        "max_deliveries",
        "unique",
        "unique_key",
        "throttle_seconds",
        "debounce_seconds",
        "run_window",
    }
)
"""Controls whose names are settled and whose work is still to come."""


def refuse_missing(model: BaseModel, queue: str, names: frozenset[str] = NOT_YET) -> None:
    """Raise `NotAvailableYet` for a control that is set, here or in a subclass, to something that has an effect."""
    fields = type(model).model_fields
    for name in names:
        value = getattr(model, name) if name in fields else None
        if value and value != _original_default(type(model), name):
            raise NotAvailableYet(name=name, value=value, queue=queue)


def _original_default(model: type[BaseModel], name: str) -> Any:
    """The default of a field in the class that introduced it."""
    owner: Any = next(base for base in reversed(model.__mro__) if name in getattr(base, "model_fields", ()))
    return owner.model_fields[name].get_default(call_default_factory=True)


def refuse_impossible(task: Task) -> None:
    """Raise `CapabilityMissing` for a control that neither the broker nor the core can provide.

    Only tasks that ask for something beyond plain publishing and consuming make the broker's plugin load here.
    """
    params = task.params
    state = bool(task.environment.settings("STATE_URL") or task.environment.settings("PARKING_URL"))
    if params.retry_interval and not state:
        task.need(Capability.DELAY, "retry_interval", "Set STATE_URL, so that messages can wait there.")
    if params.is_push_to_dlx_queue_when_retry_max_times and not state:
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
