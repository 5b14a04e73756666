"""Dead letters back to work: the original messages, to the byte, into the queue they came from."""

from __future__ import annotations

import base64
import sys
from typing import TYPE_CHECKING, Any

from .consuming.settling import DEAD_LETTERS
from .errors import BadMessage
from .message import decode, encode
from .params import BoosterParams
from .ports.broker import Outgoing, PullBroker
from .ports.capability import Capability
from .task import Task

if TYPE_CHECKING:
    from .environment import Environment

_BATCH = 100


def redrive(
    queue_name: str,
    broker_kind: str | None = None,
    *,
    limit: int | None = None,
    environment: Environment | None = None,
    broker_exclusive_config: dict[str, Any] | None = None,
) -> int:
    """Move the messages of ``<queue_name>_dlx`` back to `queue_name`; how many were moved.

    Each gets a fresh set of attempts; messages that could not be decoded go back with their exact bytes.

    Args:
        queue_name: the queue the messages came from.
        broker_kind: its broker; if None, that of the task that is declared for the queue, else the setting BROKER_KIND.
        limit: move at most so many; all if None.
        environment: the default one if None.
        broker_exclusive_config: options of the broker, as on the task.

    Example::

        redrive("thumbnails")
    """
    from .environment import default

    where = environment or default()
    if broker_kind is None and broker_exclusive_config is None and queue_name in where.registry:
        origin = where.registry[queue_name].task
    else:
        params = BoosterParams(
            queue_name=queue_name, broker_kind=broker_kind, broker_exclusive_config=broker_exclusive_config or {}
        )
        origin = Task(params, None, where)
    moved = 0
    if Capability.SECOND_QUEUE not in origin.capabilities:
        return _redrive_parked(origin, limit)
    params = origin.params.model_copy(update={"queue_name": queue_name + DEAD_LETTERS, "broker_kind": origin.spec.kind})
    broker = Task(params, None, where).make_broker()
    assert isinstance(broker, PullBroker)
    try:
        broker.listen()
        while limit is None or moved < limit:
            deliveries = broker.fetch(_BATCH if limit is None else min(_BATCH, limit - moved), 0)
            if not deliveries:
                return moved
            for delivery in deliveries:
                body = restore(delivery.body)
                broker.forward(delivery, Outgoing(body), where.namespaced(queue_name))
                moved += 1
        return moved
    finally:
        broker.close()


def restore(body: Any) -> Any:
    """The original of a dead letter's body: a dict where it came as one, else bytes; what is no dead letter as it is."""
    as_object = isinstance(body, dict)
    try:
        message = decode(body, sys.maxsize)
    except BadMessage:
        return body
    extra: Any = message.get("extra")
    about = extra.get("dead_letter") if isinstance(extra, dict) else None
    if not isinstance(about, dict):
        return body
    if "body_b64" in about:
        return base64.b64decode(about["body_b64"])
    if "body" in about:
        return about["body"]
    extra = {name: value for name, value in extra.items() if name not in ("dead_letter", "run_times")}
    message["extra"] = extra
    return message if as_object else encode(message)


def _redrive_parked(origin: Task, limit: int | None) -> int:
    parking, moved = origin.environment.state.parking, 0
    broker = origin.make_broker()
    try:
        while limit is None or moved < limit:
            most = _BATCH if limit is None else min(_BATCH, limit - moved)
            parked = parking.claim(origin.queue + DEAD_LETTERS, most, 30.0)
            if not parked:
                return moved
            broker.publish([Outgoing(restore(message.body)) for message in parked])
            parking.done(parked)
            moved += len(parked)
        return moved
    finally:
        broker.close()
