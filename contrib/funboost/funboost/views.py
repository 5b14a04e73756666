"""The two sides of a task that the documentation reaches through ``f.publisher`` and ``f.consumer``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from logging import Logger

    from typing_extensions import Self

    from funboost_core.params import TaskOptions
    from funboost_core.results import AsyncResult

    from .booster import Booster
    from .params import BoosterParams


class _Side:
    def __init__(self, booster: Booster[Any, Any, Any]) -> None:
        self._booster = booster

    @property
    def queue_name(self) -> str:
        """The queue."""
        return self._booster.queue_name

    @property
    def logger(self) -> Logger:
        """The logger of the queue."""
        return self._booster.task.logger


class QueuePublisher(_Side):
    """Publishes to the queue of a task; also a context manager that closes the connection."""

    @property
    def publisher_params(self) -> BoosterParams:
        """The parameters of the task."""
        return self._booster.boost_params

    def publish(
        self,
        msg: Mapping[str, Any] | str | bytes,
        task_id: Any = None,
        priority_control_config: TaskOptions | None = None,
    ) -> AsyncResult[Any]:
        """As `Booster.publish`."""
        return self._booster.publish(msg, task_id, priority_control_config)

    def push(self, *args: Any, **kwargs: Any) -> AsyncResult[Any]:
        """As `Booster.push`."""
        return self._booster.push(*args, **kwargs)

    delay = push

    def send_msg(self, msg: dict[str, Any] | str | bytes) -> None:
        """Publish raw: no ``extra``, no checks."""
        self._booster.send_msg(msg)

    def get_message_count(self) -> int:
        """Messages that wait; -1 where the broker cannot tell."""
        return self._booster.get_message_count()

    def clear(self) -> None:
        """Remove the messages that wait."""
        self._booster.clear()

    def close(self) -> None:
        """Release the connection; publishing again opens another."""
        self._booster.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class QueueConsumer(_Side):
    """Consumes the queue of a task."""

    @property
    def consumer_params(self) -> BoosterParams:
        """The parameters of the task."""
        return self._booster.boost_params

    @property
    def consuming_function(self) -> Any:
        """The function."""
        return self._booster.consuming_function

    @property
    def publisher_of_same_queue(self) -> QueuePublisher:
        """What publishes to the same queue."""
        return self._booster.publisher

    def start_consuming_message(self) -> None:
        """As `Booster.consume`."""
        self._booster.consume()

    def pause_consume(self) -> None:
        """As `Booster.pause_consume`."""
        self._booster.pause_consume()

    def continue_consume(self) -> None:
        """As `Booster.continue_consume`."""
        self._booster.continue_consume()

    def wait_for_possible_has_finish_all_tasks(self, minutes: float = 3) -> None:
        """As `Booster.wait_for_possible_has_finish_all_tasks`."""
        self._booster.wait_for_possible_has_finish_all_tasks(minutes)
