"""The consuming side of a queue: what ``f.consumer`` is and what a consumer class overrides."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Callable, ClassVar

from funboost_core.errors import ConfigError
from funboost_core.native import Thread
from funboost_core.ports.capability import Capability

from ..aliases import ConsumerSpellings
from .handover import feeding

if TYPE_CHECKING:
    from logging import Logger

    from funboost_core.status import FunctionResultStatus

    from ..booster import Booster
    from ..params import BoosterParams
    from .broker import OverriddenBroker
    from .publisher import AbstractPublisher

Kw = dict[str, Any]
"""One message on its way: ``body`` (a dict with ``extra`` once it is decoded), ``function_only_params``, and whatever
else a loop of yours gave to `_submit_task`."""


class AbstractConsumer(ConsumerSpellings):
    """Consumes one queue.

    Subclass it and name the class in ``consumer_override_cls`` or `register_custom_broker`; a plain class with the
    methods will do too.  To be overridden: `custom_init`, `_dispatch_task`, `_confirm_consume`, `_requeue`,
    `_user_convert_msg_before_run`, `_run`, `_async_run`, `user_custom_record_process_info_func`,
    `aio_user_custom_record_process_info_func`; what is not stays as it is and costs nothing.  ``super()`` does what the
    framework would do.

    Attributes: `queue_name` (also `_queue_name`), `consumer_params` (with the defaults of ``broker_exclusive_config``),
    `logger`, `consuming_function`, `publisher_of_same_queue`, `publisher_of_dlx_queue`, `consumer_identification`,
    `BROKER_KIND`.
    """

    BROKER_KIND: ClassVar[str | None] = None
    """Filled in: the kind as the task names it."""
    BROKER_EXCLUSIVE_CONFIG_DEFAULT: ClassVar[Mapping[str, Any]] = {}
    """Keys of ``broker_exclusive_config`` that this class reads, with their defaults."""
    CAPABILITIES: ClassVar[Capability] = Capability(0)
    """What the broker can do beyond what its methods show, for example ``Capability.CROSS_PROCESS``."""

    _booster: Any = None  # set before construction
    _broker: OverriddenBroker | None = None  # while it consumes, where the class changes how is fetched or settled
    _call: Any = None  # the function as the pool calls it

    def __init__(self, consumer_params: BoosterParams) -> None:
        """Called by the framework, once a queue and process."""
        if self._booster is None:
            raise ConfigError(
                f"{type(self).__name__} is made by the framework. Name it in consumer_override_cls and use "
                "f.consumer or get_consumer(params)."
            )
        self.consumer_params = consumer_params
        self.queue_name: str = consumer_params.queue_name
        self._queue_name: str = consumer_params.queue_name
        self.logger: Logger = self._booster.task.logger
        self.consuming_function: Any = self._booster.consuming_function
        self.custom_init()

    def _boosted(self) -> Booster[Any, Any, Any]:
        return self._booster  # type: ignore[no-any-return]

    # -- to be overridden -------------------------------------------------------------------------------------------

    def custom_init(self) -> None:
        """Called at the end of construction: connect here."""

    def _dispatch_task(self) -> None:
        """Loop for ever: get messages in any way and hand each to ``self._submit_task({"body": msg, ...})``.

        Runs on a thread of its own; called again after a second when it returns or raises.
        """
        raise NotImplementedError(f"{type(self).__name__} has no loop of its own: the broker fetches for it.")

    def _confirm_consume(self, kw: Kw) -> None:
        """Acknowledge: the message has been worked off, given up, skipped, put off or moved to the dead letters."""
        if self._broker is not None:
            self._broker.ack_beneath(kw)

    def _requeue(self, kw: Kw) -> None:
        """Put ``kw["body"]`` back into the queue."""
        if self._broker is not None:
            self._broker.requeue_beneath(kw)

    def _user_convert_msg_before_run(self, msg: Any) -> dict[str, Any] | str:
        """A dict or JSON text from what is in the queue (text, or bytes where it is no UTF-8), before it is parsed."""
        return msg  # type: ignore[no-any-return]

    def _run(self, kw: Kw) -> Any:
        """One run of one message; what it returns or raises is the outcome.  ``super()._run(kw)`` calls the function."""
        return self._call(**kw["function_only_params"])

    async def _async_run(self, kw: Kw) -> Any:
        """`_run` of the mode async."""
        return await self._call(**kw["function_only_params"])

    def user_custom_record_process_info_func(self, current_function_result_status: FunctionResultStatus) -> Any:
        """Called after each message, when it has succeeded or failed for good."""

    async def aio_user_custom_record_process_info_func(
        self, current_function_result_status: FunctionResultStatus
    ) -> Any:
        """The same on the event loop; mode async only."""

    # -- to be called -----------------------------------------------------------------------------------------------

    def _submit_task(self, kw: Kw) -> None:
        """Give a message of `_dispatch_task` to the framework; blocks until it can start.

        Args:
            kw: ``body`` is text, bytes or a dict; further entries are for `_confirm_consume` and `_requeue`.

        Raises:
            TypeError: there is no such body.
        """
        hand_over = feeding.get() or (self._broker and self._broker.hand_over)
        if not hand_over:
            raise ConfigError(
                f"_submit_task of queue {self.queue_name!r} was called while nothing consumes by a loop of "
                f"{type(self).__name__}. Call it in _dispatch_task."
            )
        hand_over.submit(kw)

    @property
    def publisher_of_same_queue(self) -> AbstractPublisher:
        """What publishes to the same queue."""
        return self._boosted().publisher

    @functools.cached_property
    def publisher_of_dlx_queue(self) -> AbstractPublisher:
        """What publishes to the dead-letter queue."""
        publisher = self._boosted().publisher_of(f"{self.queue_name}_dlx")
        # that of another thread, if it was first
        return vars(self).setdefault("publisher_of_dlx_queue", publisher)  # type: ignore[no-any-return]

    @functools.cached_property
    def consumer_identification(self) -> str:
        """Names this consumer among those of the queue: host, process, object."""
        import socket

        return f"{socket.gethostname()}_{os.getpid()}_{id(self)}"

    @functools.cached_property
    def concurrent_pool(self) -> Any:
        """A pool for work of your own: `specify_concurrent_pool`, else threads, `concurrent_num` at most."""
        from ..concurrent_pool.flexible_thread_pool import FlexibleThreadPool

        params = self.consumer_params
        given = params.specify_concurrent_pool
        pool = FlexibleThreadPool(params.concurrent_num) if given is None else given
        return vars(self).setdefault("concurrent_pool", pool)  # that of another thread, if it was first

    def keep_circulating(
        self, time_sleep: float = 0.001, *, block: bool = True, daemon: bool = False
    ) -> Callable[[Callable[..., Any]], Callable[..., None]]:
        """A decorator: the function is called again and again, `time_sleep` seconds apart; what it raises is logged.

        Args:
            time_sleep: seconds.
            block: do so in the caller, for ever; otherwise on a thread.
            daemon: whether that thread lets the process end.

        Example::

            self.keep_circulating(60, block=False, daemon=True)(self.report)()
        """

        def decorate(function: Callable[..., Any]) -> Callable[..., None]:
            @functools.wraps(function)
            def start(*args: Any, **kwargs: Any) -> None:
                def circulate() -> None:
                    while True:
                        try:
                            function(*args, **kwargs)
                        except Exception:
                            self.logger.exception("%r failed; it is called again.", function)
                        time.sleep(time_sleep)

                if block:
                    circulate()
                Thread(target=circulate, name=f"funboost-{self.queue_name}-circulating", daemon=daemon).start()

            return start

        return decorate

    def start_consuming_message(self) -> None:
        """As `Booster.consume`."""
        self._boosted().consume()

    def pause_consume(self) -> None:
        """As `Booster.pause_consume`."""
        self._boosted().pause_consume()

    def continue_consume(self) -> None:
        """As `Booster.continue_consume`."""
        self._boosted().continue_consume()

    def clear_filter_tasks(self) -> None:
        """As `Booster.clear_filter_tasks`."""
        self._boosted().clear_filter_tasks()

    def wait_for_possible_has_finish_all_tasks(self, minutes: float = 3) -> None:
        """As `Booster.wait_for_possible_has_finish_all_tasks`."""
        self._boosted().wait_for_possible_has_finish_all_tasks(minutes)


class EmptyConsumer(AbstractConsumer):
    """Base of a consumer that is a broker of its own; all three methods have to be written."""

    def _dispatch_task(self) -> None:
        """Loop for ever: get messages in any way and hand each to ``self._submit_task({"body": msg, ...})``."""
        raise NotImplementedError("an EmptyConsumer has no _dispatch_task: write it")

    def _confirm_consume(self, kw: Kw) -> None:
        """Acknowledge."""
        raise NotImplementedError("an EmptyConsumer has no _confirm_consume: write it")

    def _requeue(self, kw: Kw) -> None:
        """Put ``kw["body"]``, a dict, back into the queue."""
        raise NotImplementedError("an EmptyConsumer has no _requeue: write it")
