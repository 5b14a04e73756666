"""The mode gevent keeps the contract of pools."""

from __future__ import annotations

from funboost_testing.pools import PoolSuite


class TestGevent(PoolSuite):
    kind = "gevent"
    runs = ("def",)
    first_line = "from gevent import monkey; monkey.patch_all()"
