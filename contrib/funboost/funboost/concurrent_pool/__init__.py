"""Pools of threads and coroutines, for `specify_concurrent_pool` and for programs of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from ..lazy import exporter

if TYPE_CHECKING:
    from .async_pool_executor import AsyncPoolExecutor as AsyncPoolExecutor
    from .base_pool_type import FunboostBaseConcurrentPool as FunboostBaseConcurrentPool
    from .custom_threadpool_executor import BoundedThreadPoolExecutor as BoundedThreadPoolExecutor
    from .custom_threadpool_executor import CustomThreadPoolExecutor as CustomThreadPoolExecutor
    from .custom_threadpool_executor import ThreadPoolExecutorShrinkAble as ThreadPoolExecutorShrinkAble
    from .flexible_thread_pool import FlexibleThreadPool as FlexibleThreadPool
    from .pool_commons import ConcurrentPoolBuilder as ConcurrentPoolBuilder
    from .single_thread_executor import SoloExecutor as SoloExecutor

_HOMES = {
    "async_pool_executor": "AsyncPoolExecutor",
    "base_pool_type": "FunboostBaseConcurrentPool",
    "custom_threadpool_executor": "BoundedThreadPoolExecutor CustomThreadPoolExecutor ThreadPoolExecutorShrinkAble",
    "flexible_thread_pool": "FlexibleThreadPool",
    "pool_commons": "ConcurrentPoolBuilder",
    "single_thread_executor": "SoloExecutor",
}
__getattr__: Callable[[str], Any] = exporter(
    __name__, {name: f"{__name__}.{home}:{name}" for home, names in _HOMES.items() for name in names.split()}
)
