"""Declares the pool."""

from __future__ import annotations

from funboost_core import PoolSpec, hookimpl


@hookimpl
def funboost_pools() -> list[PoolSpec]:
    """One mode."""
    return [PoolSpec("asyncio", "funboost_pool_asyncio.pool:Asyncio", summary="coroutines on one event loop")]
