"""Declares the pool."""

from __future__ import annotations

from funboost_core import PoolSpec, hookimpl


@hookimpl
def funboost_pools() -> list[PoolSpec]:
    """One mode."""
    return [PoolSpec("single_thread", "funboost_pool_single_thread.pool:SingleThread", summary="one at a time")]
