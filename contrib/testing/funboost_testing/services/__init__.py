"""Real servers for tests: found, or started on a free port of the loopback in a temporary folder, and ended.

``python -m funboost_testing services up redis`` starts one by hand; the fixtures of the pytest plugin (`redis_server` …)
do it for a test run.  One class a server: `redis` is the model for the next.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .base import Server as Server
    from .base import Service as Service
    from .base import Unavailable as Unavailable
    from .catalog import find as find
    from .catalog import services as services
    from .proxy import Proxy as Proxy

_WHERE = {
    "Proxy": "proxy",
    "Server": "base",
    "Service": "base",
    "Unavailable": "base",
    "find": "catalog",
    "services": "catalog",
}
__all__ = sorted(_WHERE)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    """Import a name when it is first used: the pytest plugin is loaded into every test run."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_WHERE[name]}", __name__), name)
