"""Documented import path of the parameter classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from .. import params as _params
from ..aliases import EXPORTS
from ..lazy import exporter
from ..models import BaseJsonAbleModel
from ..params import (
    BoosterParams,
    BoosterParamsComplete,
    FunctionResultStatusPersistenceConfig,
    PriorityConsumingControlConfig,
    PublisherParams,
)

if TYPE_CHECKING:
    from ..aliases import *  # noqa: F403

__all__ = [
    "BaseJsonAbleModel",
    "BoosterParams",
    "BoosterParamsComplete",
    "FunctionResultStatusPersistenceConfig",
    "PriorityConsumingControlConfig",
    "PublisherParams",
]
__getattr__: Callable[[str], Any] = exporter(
    __name__, {name: where for name, where in EXPORTS.items() if where.startswith(_params.__name__)}
)
