"""Declares the state store ``memory://``."""

from __future__ import annotations

from funboost_core import StateSpec, hookimpl


@hookimpl
def funboost_state_stores() -> list[StateSpec]:
    """The store kind of this distribution."""
    return [
        StateSpec(
            kind="memory",
            factory="funboost_store_memory.store:MemoryState",
            summary="In the memory of this process; forgotten at its end",
        )
    ]
