"""The mode asyncio keeps the contract of pools."""

from __future__ import annotations

from funboost_testing.pools import PoolSuite


class TestAsyncio(PoolSuite):
    kind = "asyncio"
    runs = ("async def",)
