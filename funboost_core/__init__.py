"""funboost_core: any function a distributed task, over any broker, by plugins.

Names are imported when first used; ``import funboost_core`` itself does nothing.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .aio_results import AioAsyncResult as AioAsyncResult
    from .boost import boost as boost
    from .booster import Booster as Booster
    from .clock import Clock as Clock
    from .context import fct as fct
    from .context import get_current_taskid as get_current_taskid
    from .environment import Environment as Environment
    from .environment import default as default
    from .errors import BadMessage as BadMessage
    from .errors import BrokerError as BrokerError
    from .errors import BrokerUnavailable as BrokerUnavailable
    from .errors import ConfigError as ConfigError
    from .errors import DeadLetterTask as DeadLetterTask
    from .errors import FunboostError as FunboostError
    from .errors import RequeueTask as RequeueTask
    from .errors import ResultError as ResultError
    from .errors import ResultTimeout as ResultTimeout
    from .errors import RetryTask as RetryTask
    from .errors import SignatureError as SignatureError
    from .errors import TaskFailed as TaskFailed
    from .hookspecs import hookimpl as hookimpl
    from .logs import TaskIdFilter as TaskIdFilter
    from .logs import TaskIdFormatter as TaskIdFormatter
    from .logs import TaskIdLogger as TaskIdLogger
    from .outcome import Ack as Ack
    from .outcome import DeadLetter as DeadLetter
    from .outcome import Drop as Drop
    from .outcome import Later as Later
    from .outcome import Outcome as Outcome
    from .outcome import Requeue as Requeue
    from .outcome import Retry as Retry
    from .outcome import Run as Run
    from .outcome import Skip as Skip
    from .params import BoosterParams as BoosterParams
    from .params import HistoryParams as HistoryParams
    from .params import PublisherParams as PublisherParams
    from .params import TaskOptions as TaskOptions
    from .payloads.codecs import Codec as Codec
    from .plugins import register_plugin as register_plugin
    from .ports.broker import Broker as Broker
    from .ports.broker import BrokerContext as BrokerContext
    from .ports.broker import Delivery as Delivery
    from .ports.broker import Outgoing as Outgoing
    from .ports.broker import PullBroker as PullBroker
    from .ports.capability import Capability as Capability
    from .ports.engine import EngineBroker as EngineBroker
    from .ports.engine import Execute as Execute
    from .ports.engine import Executed as Executed
    from .ports.pool import Pool as Pool
    from .ports.pool import PoolContext as PoolContext
    from .ports.pool import TaskPool as TaskPool
    from .ports.pool import ThreadPool as ThreadPool
    from .ports.push import Overflow as Overflow
    from .ports.push import PushBroker as PushBroker
    from .ports.push import Sink as Sink
    from .records import BrokerSpec as BrokerSpec
    from .records import PoolSpec as PoolSpec
    from .records import SchedulerSpec as SchedulerSpec
    from .records import ServerSpec as ServerSpec
    from .records import StateSpec as StateSpec
    from .redrive import redrive as redrive
    from .results import AsyncResult as AsyncResult
    from .status import FunctionResultStatus as FunctionResultStatus

_NAMES = {
    "aio_results": "AioAsyncResult",
    "boost": "boost",
    "booster": "Booster",
    "clock": "Clock",
    "context": "fct get_current_taskid",
    "environment": "Environment default",
    "errors": "BadMessage BrokerError BrokerUnavailable ConfigError DeadLetterTask FunboostError RequeueTask ResultError "
    "ResultTimeout RetryTask SignatureError TaskFailed",
    "hookspecs": "hookimpl",
    "logs": "TaskIdFilter TaskIdFormatter TaskIdLogger",
    "outcome": "Ack DeadLetter Drop Later Outcome Requeue Retry Run Skip",
    "params": "BoosterParams HistoryParams PublisherParams TaskOptions",
    "plugins": "register_plugin",
    "payloads.codecs": "Codec",
    "ports.broker": "Broker BrokerContext Delivery Outgoing PullBroker",
    "ports.capability": "Capability",
    "ports.engine": "EngineBroker Execute Executed",
    "ports.pool": "Pool PoolContext TaskPool ThreadPool",
    "ports.push": "Overflow PushBroker Sink",
    "records": "BrokerSpec PoolSpec SchedulerSpec ServerSpec StateSpec",
    "redrive": "redrive",
    "results": "AsyncResult",
    "status": "FunctionResultStatus",
}
_WHERE = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = sorted([*_WHERE, "__version__"])  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    module = _WHERE.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(f".{module}", __name__), name)
    return value


def __dir__() -> list[str]:
    return list(__all__)


class _Package(ModuleType):
    """Keeps `boost` and `redrive` functions, although importing the submodules of these names would replace them."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _WHERE and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
