"""Declares the pool."""

from __future__ import annotations

from funboost_core import PoolSpec, hookimpl


@hookimpl
def funboost_pools() -> list[PoolSpec]:
    """One mode."""
    return [PoolSpec("eventlet", "funboost_pool_eventlet.pool:Eventlet", summary="greenlets of eventlet")]
