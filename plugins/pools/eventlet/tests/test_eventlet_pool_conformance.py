"""The mode eventlet keeps the contract of pools."""

from __future__ import annotations

from funboost_testing.pools import PoolSuite


class TestEventlet(PoolSuite):
    kind = "eventlet"
    runs = ("def",)
    first_line = "import eventlet; eventlet.monkey_patch()"
