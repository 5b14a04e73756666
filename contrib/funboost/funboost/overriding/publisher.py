"""The publishing side of a queue: what ``f.publisher`` is and what a publisher class overrides."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ClassVar

from funboost_core.errors import ConfigError
from funboost_core.ports.capability import Capability

if TYPE_CHECKING:
    from logging import Logger

    from typing_extensions import Self

    from funboost_core.params import TaskOptions
    from funboost_core.results import AsyncResult

    from ..booster import Booster
    from ..params import BoosterParams
    from .broker import OverriddenBroker

acting: ContextVar[OverriddenBroker | None] = ContextVar("funboost_acting", default=None)
"""The broker that is calling an overridden method here: ``super()`` means this one, whatever others there are."""


class AbstractPublisher:
    """Publishes to one queue; also a context manager that closes the connection.

    Subclass it and name the class in ``publisher_override_cls`` or `register_custom_broker`.  To be overridden:
    `custom_init`, `concrete_realization_of_publish`, `clear`, `get_message_count`, `close`; what is not stays with the
    broker.  ``super()`` reaches the broker.

    Attributes: `queue_name` (also `_queue_name`), `publisher_params`, `logger`, `BROKER_KIND`.
    """

    BROKER_KIND: ClassVar[str | None] = None
    """Filled in: the kind as the task names it."""
    BROKER_EXCLUSIVE_CONFIG_DEFAULT: ClassVar[Mapping[str, Any]] = {}
    """Keys of ``broker_exclusive_config`` that this class reads, with their defaults."""
    CAPABILITIES: ClassVar[Capability] = Capability(0)
    """What the broker can do beyond what its methods show, for example ``Capability.CROSS_PROCESS``."""

    _booster: Any = None  # set before construction

    def __init__(self, publisher_params: BoosterParams) -> None:
        """Called by the framework, once a queue and process."""
        if self._booster is None:
            raise ConfigError(
                f"{type(self).__name__} is made by the framework. Name it in publisher_override_cls and use "
                "f.publisher or get_publisher(params)."
            )
        self.publisher_params = publisher_params
        self.queue_name: str = publisher_params.queue_name
        self._queue_name: str = publisher_params.queue_name
        self.logger: Logger = self._booster.task.publishing_logger
        self.custom_init()

    def _boosted(self) -> Booster[Any, Any, Any]:
        return self._booster  # type: ignore[no-any-return]

    # -- to be overridden -------------------------------------------------------------------------------------------

    def custom_init(self) -> None:
        """Called at the end of construction: connect here."""

    def concrete_realization_of_publish(self, msg: str) -> Any:
        """Publish the final JSON text.  An exception is tried again ten times, 0.1 seconds apart, then raised."""
        broker = self._connected()
        if broker is None:
            self._boosted().send_msg(msg)
        else:
            broker.publish_beneath(msg)

    def clear(self) -> None:
        """Remove the messages that wait."""
        broker = self._connected()
        if broker is None:
            self._boosted().clear()
        else:
            self._boosted().task.need(Capability.PURGE, "clear", "Override clear in the publisher's class.")
            broker.beneath.purge()

    def get_message_count(self) -> int:
        """Messages that wait; -1 where the broker cannot tell."""
        broker = self._connected()
        if broker is None:
            return self._boosted().get_message_count()
        return broker.beneath.count() if broker.counts_beneath else -1

    def close(self) -> None:
        """Release the connection; publishing again opens another."""
        self._boosted().close()

    # -- to be called -----------------------------------------------------------------------------------------------

    def publish(
        self,
        msg: Mapping[str, Any] | str | bytes,
        task_id: Any = None,
        priority_control_config: TaskOptions | None = None,
    ) -> AsyncResult[Any]:
        """As `Booster.publish`."""
        return self._boosted().publish(msg, task_id, priority_control_config)

    def push(self, *args: Any, **kwargs: Any) -> AsyncResult[Any]:
        """As `Booster.push`."""
        return self._boosted().push(*args, **kwargs)

    delay = push

    def send_msg(self, msg: dict[str, Any] | str | bytes) -> None:
        """Publish raw: no ``extra``, no checks."""
        self._boosted().send_msg(msg)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _connected(self) -> OverriddenBroker | None:
        """The broker object whose methods this class overrides, connected; None where it overrides none."""
        broker = acting.get()
        if broker is not None and broker.publisher is self:
            return broker
        outlets = self._boosted().task.outlets
        if not outlets:
            self._boosted().connect()
        return next(iter(outlets), None)


class EmptyPublisher(AbstractPublisher):
    """Base of a publisher that is a broker of its own; all four methods have to be written."""

    def concrete_realization_of_publish(self, msg: str) -> Any:
        """Publish the final JSON text."""
        raise NotImplementedError("an EmptyPublisher has no concrete_realization_of_publish: write it")

    def clear(self) -> None:
        """Remove the messages that wait."""
        raise NotImplementedError("an EmptyPublisher has no clear: write it")

    def get_message_count(self) -> int:
        """Messages that wait; -1 where that cannot be known."""
        raise NotImplementedError("an EmptyPublisher has no get_message_count: write it")

    def close(self) -> None:
        """Release the connection."""
        raise NotImplementedError("an EmptyPublisher has no close: write it")
