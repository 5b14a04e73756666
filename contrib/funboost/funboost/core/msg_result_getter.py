"""Documented import path of the results and their errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from funboost_core.aio_results import AioAsyncResult
from funboost_core.results import AsyncResult

from ..aliases import EXCEPTIONS
from ..kept_results import ResultFromMongo
from ..lazy import exporter

if TYPE_CHECKING:
    from ..aliases import *  # noqa: F403

__all__ = ["AioAsyncResult", "AsyncResult", "ResultFromMongo"]
__getattr__: Callable[[str], Any] = exporter(__name__, EXCEPTIONS)
