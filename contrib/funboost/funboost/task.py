"""The task of this distribution: what its classes override takes part, and where they override nothing it is the core's."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from funboost_core.errors import ConfigError, UnknownKind
from funboost_core.native import RLock
from funboost_core.task import Task

if TYPE_CHECKING:
    from logging import Logger

    from funboost_core.environment import Environment
    from funboost_core.params import BoosterParams as CoreParams
    from funboost_core.ports.broker import Broker
    from funboost_core.records import BrokerSpec

    from .overriding.broker import OverriddenBroker
    from .overriding.consumer import AbstractConsumer
    from .overriding.kinds import Registered
    from .overriding.publisher import AbstractPublisher
    from .overriding.seams import Seams

EMPTY = "EMPTY"
"""The kind that brings nothing: the override classes carry everything."""
registered: dict[str, Registered] = {}
"""The classes of `register_custom_broker` by kind in lower case; here, so that looking costs no import."""

CONSUMING = (
    "_dispatch_task",
    "_confirm_consume",
    "_requeue",
    "_user_convert_msg_before_run",
    "_run",
    "_async_run",
    "user_custom_record_process_info_func",
    "aio_user_custom_record_process_info_func",
)
PUBLISHING = ("concrete_realization_of_publish", "clear", "get_message_count", "close")
"""What can be overridden, besides `custom_init`."""


class OverridableTask(Task):
    """A task with a consumer and a publisher object.

    Raises:
        TypeError: a class leaves out what it has to implement.
        ConfigError: the kind EMPTY without a class.
    """

    booster: Any
    """The `Booster`."""
    params: CoreParams
    seams: Seams
    overridden: dict[str, str]
    """The methods that the user's classes override -> the names under which they do."""
    outlets: list[OverriddenBroker]
    """The brokers, connected, that publish for the user's class and do not consume; one, as a rule."""

    def __init__(self, params: CoreParams, function: Callable[..., Any] | None, environment: Environment) -> None:
        super().__init__(params, function, environment)
        self._lock = RLock()
        self._consumer: AbstractConsumer | None = None
        self._publisher: AbstractPublisher | None = None
        kind = (params.broker_kind or "").casefold()
        self._empty: bool = kind == EMPTY.casefold()
        self._registered: Registered | None = registered.get(kind)
        self.overridden, self.outlets = {}, []
        consumer, publisher = self._overriding("consumer"), self._overriding("publisher")
        if self._empty and consumer is None and publisher is None:
            raise ConfigError(
                f"Queue {self.queue_name!r}: broker_kind {params.broker_kind!r} brings nothing; give "
                "consumer_override_cls and publisher_override_cls."
            )
        self._custom: bool = bool(consumer or publisher or self._registered)
        if self._custom:
            self._bind()

    def _bind(self) -> None:
        from .overriding.kinds import implementation
        from .overriding.seams import ConvertingSeams, Seams

        for cls, names in ((self.consumer_class, CONSUMING), (self.publisher_class, PUBLISHING)):
            found = {name: implementation(cls, name) for name in names}
            self.overridden.update((name, own) for name, own in found.items() if own is not None)
        converting = "_user_convert_msg_before_run" in self.overridden
        self.seams = ConvertingSeams(self) if converting else Seams(self)
        self.own_hooks: tuple[Any, ...] = (self.seams,)
        if any("user_custom_record_process_info_func" in name for name in self.overridden):
            record = _both(self.params.user_custom_record_process_info_func, self.seams.record)
            self.params = self.params.model_copy(update={"user_custom_record_process_info_func": record})

    # -- classes and objects ----------------------------------------------------------------------------------------

    def _overriding(self, side: str) -> type | None:
        return getattr(self.params, f"{side}_override_cls", None)

    @functools.cached_property
    def consumer_class(self) -> type[AbstractConsumer]:
        """The class of `consumer`."""
        from .overriding.consumer import AbstractConsumer
        from .overriding.kinds import compose

        base = self._registered.consumer if self._registered else AbstractConsumer
        return compose(self._overriding("consumer"), base, self.params.broker_kind)  # type: ignore[no-any-return]

    @functools.cached_property
    def publisher_class(self) -> type[AbstractPublisher]:
        """The class of `publisher`."""
        from .overriding.kinds import compose
        from .overriding.publisher import AbstractPublisher

        base = self._registered.publisher if self._registered else AbstractPublisher
        return compose(self._overriding("publisher"), base, self.params.broker_kind)  # type: ignore[no-any-return]

    @property
    def consumer(self) -> AbstractConsumer:
        """The consuming side, made when first asked for."""
        with self._lock:
            if self._consumer is None:
                self._consumer = self._make(self.consumer_class)
            return self._consumer

    @property
    def publisher(self) -> AbstractPublisher:
        """The publishing side, made when first asked for."""
        publisher = self._publisher
        if publisher is None:
            with self._lock:
                publisher = self._publisher
                if publisher is None:
                    publisher = self._publisher = self._make(self.publisher_class)
        return publisher

    def prepare(self) -> None:
        """Make the publisher: its `custom_init`, or that of the consumer, may publish and so take the booster's lock."""
        if self._custom and (self.publishes or self.carries_all):
            self.publisher  # noqa: B018

    def _make(self, cls: Any) -> Any:
        made, booster = cls.__new__(cls), self.booster
        made._booster = booster  # before __init__, which may be the user's
        made.__init__(booster.boost_params.model_copy(update={"broker_exclusive_config": self.exclusive_config}))
        return made

    def forget_publisher(self, publisher: AbstractPublisher) -> None:
        """It has been closed: the next one connects anew."""
        with self._lock:
            if self._publisher is publisher:
                self._publisher = None

    def forget(self) -> None:
        """In a forked child: connections and locks of the parent are not ours."""
        self._lock = RLock()
        self._consumer = self._publisher = None
        self.outlets = []

    # -- what the core asks for -------------------------------------------------------------------------------------

    def make_broker(self) -> Broker:
        """As the core's; the first one of a process writes the configuration file where there is none."""
        from .configuration.generate import at_first_use

        at_first_use(self.environment.settings)
        return super().make_broker()

    def logger_name(self, side: str) -> str:
        """The documented name: ``funboost.[<prefix>--]<ClassName>--<queue>``, or the one that the user gave."""
        params: Any = self.params
        own: str = getattr(params, "logger_name", "")
        if own:
            return own
        kind = params.broker_kind or self.environment.settings("BROKER_KIND") or ""
        kind = self.environment.aliases["brokers"].get(kind.casefold(), kind)
        user = self._overriding(side.lower()) or getattr(self._registered, side.lower(), None)
        cls = user.__name__ if user else "".join(part.capitalize() for part in kind.split("_")) + side
        prefix = f"{params.logger_prefix}--" if params.logger_prefix else ""
        return f"funboost.{prefix}{cls}--{self.queue_name}"

    def equip(self, logger: Logger) -> None:
        """The console, and files where LOG_PATH says so."""
        from .logs import equip

        equip.queue(self, logger)

    @property
    def publishes(self) -> bool:
        """Whether the publisher's class changes anything."""
        return any(name in self.overridden for name in PUBLISHING)

    @functools.cached_property
    def exclusive_config(self) -> dict[str, Any]:
        """``broker_exclusive_config`` with the defaults of the broker and of the classes."""
        options: Any = self.options
        of_broker = options.model_dump(by_alias=True) if hasattr(options, "model_dump") else {}
        return {**self._defaults, **self.params.broker_exclusive_config, **of_broker}

    @property
    def carries_all(self) -> bool:
        """Whether there is no broker beneath the classes."""
        return self._beneath is None

    @property
    def _defaults(self) -> dict[str, Any]:
        classes = (self.publisher_class, self.consumer_class)
        return {key: value for cls in classes for key, value in cls.BROKER_EXCLUSIVE_CONFIG_DEFAULT.items()}

    @functools.cached_property
    def _beneath(self) -> BrokerSpec | None:
        """The broker that does what the classes leave out; None where they carry everything."""
        if self._empty:
            return None
        missing = {"_dispatch_task", "concrete_realization_of_publish"} - self.overridden.keys()
        if self._registered and not missing:
            return None
        try:
            return Task(self.params, None, self.environment).spec
        except UnknownKind as error:
            if self._registered is None:
                raise
            raise ConfigError(
                f"The classes that are registered for the broker {self.params.broker_kind!r} do not override "
                f"{', '.join(sorted(missing))}, and no broker of that name is installed."
            ) from error

    @functools.cached_property
    def spec(self) -> BrokerSpec:
        """The broker's record, changed by what the classes override."""
        if not self._custom:
            return super().spec
        from .overriding import broker, record

        beneath = self._beneath
        if beneath is not None and broker.WRAPPING.isdisjoint(self.overridden):
            return beneath
        return record.spec(self, beneath)

    @functools.cached_property
    def options(self) -> Any:
        """The broker's options; those of the user's classes are not unknown."""
        from funboost_core.checks import broker_options

        own = self._defaults if self._custom else {}
        if self._beneath is not None:
            return broker_options(self, own)
        if own:
            broker_options(self, own)  # says which keys nobody reads
        return SimpleNamespace(**{**own, **self.params.broker_exclusive_config})


def _both(first: Callable[..., Any] | None, second: Callable[..., Any]) -> Callable[..., Any]:
    if first is None:
        return second

    def record(status: Any) -> None:
        try:
            first(status)
        finally:
            second(status)

    return record
