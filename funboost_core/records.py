"""What plugins declare: frozen records, listable without importing a client library."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Callable, Union

from .errors import ConfigError
from .ports.capability import Capability

Factory = Union[str, Callable[..., Any]]


def resolve(factory: Factory) -> Callable[..., Any]:
    """The callable itself, or the one named by ``"package.module:Name"``, imported now.

    Raises:
        ConfigError: it cannot be imported, mostly because its client library is not installed.
    """
    if not isinstance(factory, str):
        return factory
    module, _, name = factory.partition(":")
    try:
        return getattr(import_module(module), name)  # type: ignore[no-any-return]
    except ImportError as error:
        dist = module.partition(".")[0].replace("_", "-")
        raise ConfigError(
            f"{factory} cannot be imported ({error}). Install it with what it needs: pip install {dist}"
        ) from error


@dataclass(frozen=True)
class ServerSpec:
    """Which settings say where a broker's server is, for those who look after settings (``funboost doctor``).

    Attributes:
        name: the product's.
        setting: the name of the setting with its address or URL, or with several of them; with `port_setting`, its host.
        port_setting: the name of the setting with its port, "" when `setting` has it.
        port: where an address names none.
        tls_port: the same for URLs whose scheme ends in "s"; 0 = `port`.

    Example::

        ServerSpec("Loft", "LOFT_URL", port=1234, tls_port=1235)
        ServerSpec("Loft", "LOFT_HOST", port_setting="LOFT_PORT")
    """

    name: str
    setting: str
    port_setting: str = ""
    port: int = 0
    tls_port: int = 0

    @property
    def prefix(self) -> str:
        """What the names of all its settings begin with, such as ``LOFT_``."""
        return self.setting.partition("_")[0] + "_"


@dataclass(frozen=True)
class BrokerSpec:
    """A broker kind.  `factory` is called with a `BrokerContext`; name it as text to import the client lazily.

    `options` is the pydantic model of ``broker_exclusive_config`` or None; `owns` names the parameters of `BoosterParams`
    that an engine (`EngineBroker`) takes over, and is None for all other brokers; `server` says which settings name its
    server, None when it has none.
    """

    kind: str
    factory: Factory
    capabilities: Capability
    options: type[Any] | str | None = None
    summary: str = ""
    owns: frozenset[str] | None = None
    server: ServerSpec | None = None


@dataclass(frozen=True)
class PoolSpec:
    """A concurrency mode.  `factory` is called with a `PoolContext`."""

    kind: str
    factory: Factory
    summary: str = ""


@dataclass(frozen=True)
class StateSpec:
    """A backend for state.  `kind` is the URL scheme; `factory` is called with ``(url, environment)``.

    Declared through `funboost_state_stores` it returns a `StateStore`; through `funboost_result_stores` an object
    with `replies` and `history`; through `funboost_filters` a `Filter`.
    """

    kind: str
    factory: Factory
    summary: str = ""


@dataclass(frozen=True)
class SchedulerSpec:
    """A scheduler of periodic jobs.  `factory` is called with a `SchedulerContext`."""

    kind: str
    factory: Factory
    summary: str = ""


Spec = Union[BrokerSpec, PoolSpec, StateSpec, SchedulerSpec]
