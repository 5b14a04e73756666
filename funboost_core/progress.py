"""How far a task has got: kept with the replies, under a key of its own, until its result would expire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from .message import encode

if TYPE_CHECKING:
    from .ports.broker import Delivery


def key_of(task_id: Any) -> str:
    """Where the progress of a task is kept."""
    return f"{task_id}:progress"


def report(delivery: Delivery, value: Any) -> None:
    """Write it; `NotSerializable` for what JSON cannot carry."""
    plan = delivery.plan
    payload = encode({"progress": value}, plan.task.queue_name)
    replies = plan.task.environment.state.replies
    replies.put(key_of(delivery.task_id), payload, plan.params.rpc_result_expire_seconds)


def value_of(payload: bytes | None) -> Any:
    """The value in it; None where nothing has been reported."""
    return None if payload is None else from_json(payload)["progress"]
