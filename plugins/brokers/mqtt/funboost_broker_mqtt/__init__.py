"""Broker MQTT: a topic of an MQTT 5 server, shared by its consumers; and results published to topics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .results import ResultTopic

__all__ = ["ResultTopic"]


def __getattr__(name: str) -> Any:
    if name == "ResultTopic":
        from .results import ResultTopic

        return ResultTopic
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
