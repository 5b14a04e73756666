"""The overridden methods as hooks of one task: only those that somebody overrides are there."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any, Callable

from funboost_core import hookimpl
from funboost_core.context import current
from funboost_core.errors import BadMessage, ConfigError
from funboost_core.message import decode, encode, unpack
from funboost_core.records import resolve

if TYPE_CHECKING:
    from funboost_core.ports.broker import Delivery
    from funboost_core.status import FunctionResultStatus

    from ..task import OverridableTask
    from .consumer import AbstractConsumer, Kw

CONVERTED = "is_converted"
"""Entry of `extra`: a message that comes back (retry, redrive, requeue) is converted already."""

HOOKED = frozenset(
    {
        "_user_convert_msg_before_run",
        "_run",
        "_async_run",
        "user_custom_record_process_info_func",
        "aio_user_custom_record_process_info_func",
    }
)

Call = Callable[..., Any]


class Seams:
    """Binds the methods of one consumer when it starts."""

    def __init__(self, task: OverridableTask) -> None:
        self._task = task
        self._consumer: AbstractConsumer | None = None
        self._record: tuple[Call, ...] = ()
        self._convert: Call | None = None
        self._loop: Any = None  # the event loop on which tasks run

    # -- starting ---------------------------------------------------------------------------------------------------

    @hookimpl
    def funboost_around_execute(self) -> Callable[[Call], Call] | None:
        """Called once when the task starts to consume."""
        task, overridden = self._task, self._task.overridden
        consumer = self._consumer = task.consumer
        asynchronous = bool(getattr(resolve(task.pool_spec.factory), "asynchronous", False))
        self._check(asynchronous)
        self._convert = consumer._user_convert_msg_before_run
        self._record = ()
        if "user_custom_record_process_info_func" in overridden:
            self._record += (consumer.user_custom_record_process_info_func,)
        if "aio_user_custom_record_process_info_func" in overridden and asynchronous:
            self._record += (self._on_the_loop,)
        if asynchronous and not overridden.keys().isdisjoint(
            ("_async_run", "aio_user_custom_record_process_info_func")
        ):
            return self._around_async
        if "_run" in overridden and not asynchronous:
            return self._around
        return None

    def _check(self, asynchronous: bool) -> None:
        overridden, cls = self._task.overridden, self._task.consumer_class
        if self._task.carries_all:
            self._check_loop(cls.__name__)
        called = [("_async_run", "_run") if asynchronous else ("_run", "_async_run")]
        if not asynchronous:
            called.append(("user_custom_record_process_info_func", "aio_user_custom_record_process_info_func"))
        for here, there in called:
            if there in overridden and here not in overridden:
                raise ConfigError(
                    f"{cls.__name__}.{there} is not called in concurrent_mode {self._task.params.concurrent_mode!r}. "
                    f"Override {here} too."
                )
        for name in HOOKED & overridden.keys():
            coroutine = inspect.iscoroutinefunction(getattr(cls, name))
            if coroutine is not name.startswith(("_async", "aio_")):
                raise ConfigError(
                    f"{cls.__name__}.{name} must {'not ' if coroutine else ''}be a coroutine function (async def)."
                )

    def _check_loop(self, name: str) -> None:
        overridden = self._task.overridden
        if "_dispatch_task" not in overridden:
            raise ConfigError(
                f"Queue {self._task.queue_name!r} cannot be consumed: {name} does not override _dispatch_task."
            )
        if overridden.keys().isdisjoint(("_requeue", "concrete_realization_of_publish")):
            raise ConfigError(
                f"Queue {self._task.queue_name!r}: {name} does not override _requeue, and there is no publisher's class "
                "to put a message back."
            )

    # -- running ----------------------------------------------------------------------------------------------------

    def _around(self, call: Call) -> Call:
        consumer = self._consumer
        assert consumer is not None
        consumer._call, run = call, consumer._run

        def whole(**arguments: Any) -> Any:
            return run(self._kw(arguments))

        return whole

    def _around_async(self, call: Call) -> Call:
        from asyncio import get_running_loop

        consumer = self._consumer
        assert consumer is not None
        consumer._call, run = call, consumer._async_run

        async def whole(**arguments: Any) -> Any:
            self._loop = get_running_loop()
            return await run(self._kw(arguments))

        return whole

    def _kw(self, arguments: dict[str, Any]) -> Kw:
        delivery = current.get()
        assert self._consumer is not None
        broker = self._consumer._broker
        kw = broker.kw(delivery) if broker is not None else {}
        kw.update(body={**arguments, "extra": delivery.extra}, function_only_params=arguments)
        return kw

    # -- recording --------------------------------------------------------------------------------------------------

    def record(self, status: FunctionResultStatus) -> None:
        """Tell the method; in the place of `user_custom_record_process_info_func` of the parameters."""
        for tell in self._record:
            tell(status)

    def _on_the_loop(self, status: FunctionResultStatus) -> None:
        from asyncio import run_coroutine_threadsafe

        assert self._consumer is not None
        run_coroutine_threadsafe(self._consumer.aio_user_custom_record_process_info_func(status), self._loop).result()

    # -- converting -------------------------------------------------------------------------------------------------

    def convert(self, body: Any) -> dict[str, Any] | None:
        """The message dict that the method makes of `body`; None for one that it has made before.

        Raises:
            BadMessage: it makes something else.
        """
        if _is_converted(body):
            return None
        if isinstance(body, dict) and "_dispatch_task" not in self._task.overridden:
            body = encode(body)  # what other brokers would have delivered
        if isinstance(body, bytes):
            try:
                body = body.decode()
            except UnicodeDecodeError:
                pass  # the method gets the bytes
        assert self._convert is not None
        made = self._convert(body)
        if not isinstance(made, (dict, str, bytes)):
            raise BadMessage(reason=f"_user_convert_msg_before_run made {made!r} of it, no dict and no JSON text")
        message = decode(made, sys.maxsize)
        extra = message.get("extra")
        if extra is None:
            extra = {"is_auto_fill_extra": True}
        if isinstance(extra, dict):
            message["extra"] = {**extra, CONVERTED: True}
        return message

    # -- settling ---------------------------------------------------------------------------------------------------

    def complete(self, kw: Kw, delivery: Delivery) -> Kw:
        """`kw` with the message as a dict; with what was delivered where that is no message."""
        if not hasattr(delivery, "extra"):
            self._decode(delivery)
        if hasattr(delivery, "extra"):
            kw["body"] = {**delivery.arguments, "extra": delivery.extra}
            kw["function_only_params"] = delivery.arguments
        return kw

    def _decode(self, delivery: Delivery) -> None:
        """For one that goes back before anybody has looked at it."""
        task, body = self._task, delivery.body
        try:
            if "_user_convert_msg_before_run" in task.overridden:
                body = self.convert(body) or body
            unpack(delivery, decode(body, sys.maxsize), task.queue_name, task.environment.clock.time())
        except Exception as error:  # the same will be said about it when it is fetched again
            task.logger.debug("%s: a message goes back as it came: %s", task.queue_name, error)


class ConvertingSeams(Seams):
    """With a hook that every message passes."""

    @hookimpl
    def funboost_convert_message(self, body: Any) -> dict[str, Any] | None:
        """See `convert`."""
        return self.convert(body)


def _is_converted(body: Any) -> bool:
    """Whether `body` has been through `convert`; looked at closely only where it contains the mark."""
    if not isinstance(body, dict):
        mark = CONVERTED.encode() if isinstance(body, bytes) else CONVERTED
        if mark not in body:
            return False
        try:
            body = decode(body, sys.maxsize)
        except BadMessage:
            return False
    extra = body.get("extra")
    return isinstance(extra, dict) and extra.get(CONVERTED) is True
