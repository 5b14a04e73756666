"""Results published to a topic: for those who wait there and not in this program, such as a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from funboost_core import hookimpl
from funboost_core.errors import text_of
from funboost_core.native import Lock
from funboost_core.outcome import Requeue, Retry

from .address import Address, checked_topic
from .broker import new_id
from .inbox import Reply
from .link import Link

if TYPE_CHECKING:
    from funboost_core import Delivery, Outcome, Task, Verdict

CONFIRMED = 5.0
"""Seconds in which the server must confirm a result."""


class ResultTopic:
    """Publishes the result of each message once it is finished.  Works with every broker.

    `topic` is the name of the topic; ``{task_id}``, ``{queue_name}`` and the names of arguments in braces stand for those
    of the message.  A message that names a response topic itself (MQTT 5) is answered there, with its correlation data;
    without `topic` only those are.

    What is published, with QoS 1, is JSON: ``{"task_id": …, "success": true, "result": …, "exception": null}``; a failure
    has ``"exception": "ValueError: no"``.  Who does not listen then does not get it.

    Example::

        @boost(BoosterParams(queue_name="jobs", hooks=[ResultTopic("results/{task_id}")]))
        def job(x): ...
    """

    def __init__(self, topic: str = "") -> None:
        self._topic = topic
        self._outcomes: dict[Delivery, Outcome] = {}
        self._lock = Lock()
        self._link: Link | None = None

    @hookimpl
    def funboost_after_execute(self, delivery: Delivery, outcome: Outcome) -> None:
        """Keep how it ended until it is known whether it runs again."""
        self._outcomes[delivery] = outcome

    @hookimpl
    def funboost_after_ack(self, delivery: Delivery, task: Task, verdict: Verdict) -> None:
        """Publish how it ended."""
        outcome = self._outcomes.pop(delivery, None)
        if outcome is None or isinstance(verdict, (Retry, Requeue)):
            return
        reply = delivery.tag if isinstance(delivery.tag, Reply) else None
        topic = reply.topic if reply is not None else self._name(delivery, task)
        if topic:
            self._connected(task).publish(
                checked_topic(topic, "The result topic"),
                [_told(delivery, outcome)],
                CONFIRMED,
                reply.correlation if reply is not None else None,
            )

    def close(self) -> None:
        """Disconnect; the next result connects again."""
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def _name(self, delivery: Delivery, task: Task) -> str:
        names = {**delivery.arguments, "task_id": delivery.task_id, "queue_name": task.queue_name}
        return self._topic.format_map(names)

    def _connected(self, task: Task) -> Link:
        with self._lock:
            if self._link is None or not self._link.usable():
                self._link = Link(Address(task.environment.settings), new_id())
            return self._link


def _told(delivery: Delivery, outcome: Outcome) -> bytes:
    error = outcome.error
    status: dict[str, Any] = {
        "task_id": delivery.task_id,
        "success": outcome.success,
        "result": outcome.result if error is None else None,
        "exception": None if error is None else f"{type(error).__name__}: {text_of(error)}",
    }
    return to_json(status, fallback=str)
