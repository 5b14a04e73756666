"""A function with its parameters, plugins and logger: what hooks, publisher and consumer share."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Callable

from .errors import CapabilityMissing, ConfigError
from .methods import Method, method_of
from .native import RLock
from .params import BoosterParams
from .ports.broker import Broker, BrokerContext
from .ports.capability import Capability
from .signature import Signature, is_coroutine

if TYPE_CHECKING:
    from logging import Logger

    import pluggy

    from .environment import Environment
    from .payloads.codecs import Codec
    from .payloads.keyring import Keyring
    from .payloads.typed import Typed
    from .records import BrokerSpec, PoolSpec


class Task:
    """One queue and what is done with its messages.

    `function` is None where only the queue is known (cross-project publishing); `queue` is the queue's name with the
    namespace in front.
    """

    own_hooks: tuple[Any, ...] = ()
    """Hooks that a distribution adds, for this task only."""

    def __init__(self, params: BoosterParams, function: Callable[..., Any] | None, environment: Environment) -> None:
        self.params = params
        self.function = function
        self.environment = environment
        self.queue_name: str = params.queue_name
        self.queue: str = environment.namespaced(params.queue_name)
        kind = getattr(params, "consuming_function_kind", None)  # of a distribution that knows it better
        self.method: Method | None = method_of(function, kind) if function is not None else None
        self.signature: Signature | None = Signature(function) if function is not None else None
        self._loggers: dict[str, Logger] = {}
        self._equipping = RLock()
        self.is_async: bool = function is not None and is_coroutine(function)

    @functools.cached_property
    def logger(self) -> Logger:
        """The logger of what consumes the queue."""
        return self._logger("Consumer")

    @functools.cached_property
    def publishing_logger(self) -> Logger:
        """The logger of what publishes to the queue; here the same."""
        same = self.logger_name("Publisher") == self.logger_name("Consumer")
        return self.logger if same else self._logger("Publisher")

    def logger_name(self, side: str) -> str:
        """The name of the queue's logger; `side` is Consumer or Publisher, for distributions that keep two."""
        return f"funboost.{self.params.logger_prefix}{self.params.queue_name}"

    def _logger(self, side: str) -> Logger:
        with self._equipping:  # `cached_property` itself lets two threads do it from Python 3.12 on
            if side not in self._loggers:
                self._loggers[side] = self._equipped(side)
            return self._loggers[side]

    def _equipped(self, side: str) -> Logger:
        """Its level is only touched where the user set one, here or in a subclass; its lines know the task."""
        import logging

        from .logs import TaskIdFilter

        logger = logging.getLogger(self.logger_name(side))
        again = type(self.params).model_fields["log_level"].description is None  # declared anew, it has not ours
        if again or "log_level" in self.params.model_fields_set:
            logger.setLevel(self.params.log_level)
        if not any(isinstance(known, TaskIdFilter) for known in logger.filters):
            logger.addFilter(TaskIdFilter())
        if not self.hooks.hook.funboost_logging(logger=logger, task=self):
            self.equip(logger)
        return logger

    def equip(self, logger: Logger) -> None:
        """Hang handlers on a new logger; here none, `logging` is the program's."""

    @functools.cached_property
    def spec(self) -> BrokerSpec:
        """The broker's record; looked up when first needed."""
        kind = self.params.broker_kind or self.environment.settings("BROKER_KIND")
        if not kind:
            raise ConfigError(
                f"Queue {self.queue_name!r} names no broker_kind and the setting BROKER_KIND is empty. Set one of them."
            )
        spec: BrokerSpec = self.environment.catalog.find("brokers", kind)
        if spec.owns is not None:
            from .checks import refuse_unowned

            refuse_unowned(self.params, spec)
        return spec

    @functools.cached_property
    def pool_spec(self) -> PoolSpec:
        """The concurrency mode's record."""
        mode = self.params.concurrent_mode or self.environment.settings("CONCURRENT_MODE")
        if not mode:
            raise ConfigError(
                f"Queue {self.queue_name!r} names no concurrent_mode and the setting CONCURRENT_MODE is empty. "
                "Set one of them."
            )
        return self.environment.catalog.find("pools", mode)  # type: ignore[no-any-return]

    @functools.cached_property
    def options(self) -> Any:
        """The broker's options, checked against its model; an unknown key is an error that names the closest one."""
        from .checks import broker_options

        return broker_options(self)

    @property
    def capabilities(self) -> Capability:
        """What the broker can do."""
        return self.spec.capabilities

    @functools.cached_property
    def hooks(self) -> pluggy.PluginManager:
        """The plugins of all and, after them, ``BoosterParams(hooks=[...])`` and `own_hooks`."""
        self.environment.catalog.load_hooks(str(self.environment.settings("HOOKS", "") or ""))
        return self.environment.manager.scoped([*self.params.hooks, *self.own_hooks])

    @functools.cached_property
    def typed(self) -> tuple[Typed, ...]:
        """The parameters whose annotation is more than JSON; looked at when the function is first published or consumed."""
        if self.function is None:
            return ()
        from .payloads.typed import typed_parameters

        return typed_parameters(self.function)

    @functools.cached_property
    def codecs(self) -> tuple[Codec, ...]:
        """What plugins do to the arguments of its messages, in order; nothing where the broker passes objects."""
        if Capability.OBJECTS in self.capabilities:
            return ()
        from .payloads.codecs import codecs_of

        return codecs_of(self)

    @functools.cached_property
    def keyring(self) -> Keyring:
        """The keys that sign and encrypt its messages."""
        from .payloads.keyring import Keyring

        return Keyring(self.environment)

    def prepare(self) -> None:
        """Called before it publishes for the first time, by any number of threads and under no lock; for subclasses."""

    def make_broker(self) -> Broker:
        """A new broker object for this queue, opened."""
        from .records import resolve

        context = BrokerContext(self.spec.kind, self.queue, self.options, self.environment, self.logger)
        broker: Broker = resolve(self.spec.factory)(context)
        broker.open()
        return broker

    def need(self, capability: Capability, feature: str, fix: str) -> None:
        """Raise `CapabilityMissing` where the broker lacks `capability`."""
        if capability not in self.capabilities:
            raise CapabilityMissing(
                kind=self.spec.kind,
                queue=self.queue_name,
                feature=feature,
                missing=str(capability).rpartition(".")[2],
                fix=fix,
            )
