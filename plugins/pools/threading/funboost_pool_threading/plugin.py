"""Declares the pool."""

from __future__ import annotations

from funboost_core import PoolSpec, hookimpl


@hookimpl
def funboost_pools() -> list[PoolSpec]:
    """One mode."""
    return [PoolSpec("threading", "funboost_pool_threading.pool:Threads", summary="threads; runs async def too")]
