"""Declares the state store ``sqlite://``."""

from __future__ import annotations

from funboost_core import StateSpec, hookimpl


@hookimpl
def funboost_state_stores() -> list[StateSpec]:
    """The store kind of this distribution."""
    return [
        StateSpec(
            kind="sqlite",
            factory="funboost_store_sqlite.store:SqliteState",
            summary="In an SQLite file, shared by the processes of one host",
        )
    ]
