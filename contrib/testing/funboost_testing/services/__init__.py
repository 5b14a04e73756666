"""Real servers for tests: found, or started on a free port of the loopback in a temporary folder, and ended.

``python -m funboost_testing services up redis`` starts one by hand; the fixtures of the pytest plugin (`redis_server` …)
do it for a test run.  One class a server: `redis` is the model for the next.
"""

from __future__ import annotations

from .base import Server, Service, Unavailable
from .catalog import find, services
from .proxy import Proxy

__all__ = ["Proxy", "Server", "Service", "Unavailable", "find", "services"]
