"""Declares the pool."""

from __future__ import annotations

from funboost_core import PoolSpec, hookimpl


@hookimpl
def funboost_pools() -> list[PoolSpec]:
    """One mode."""
    return [PoolSpec("gevent", "funboost_pool_gevent.pool:Gevent", summary="greenlets of gevent")]
