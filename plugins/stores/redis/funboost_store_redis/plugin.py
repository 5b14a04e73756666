"""Declares the state stores ``redis://`` and ``rediss://``."""

from __future__ import annotations

from funboost_core import StateSpec, hookimpl


@hookimpl
def funboost_state_stores() -> list[StateSpec]:
    """The store kinds of this distribution: the same store, without and with TLS."""
    return [
        StateSpec(
            kind=kind,
            factory="funboost_store_redis.store:RedisState",
            summary=f"In a Redis server, shared by all hosts{how}",
        )
        for kind, how in (("redis", ""), ("rediss", ", over TLS"))
    ]
