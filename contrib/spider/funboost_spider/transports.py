"""One pool of connections a proxy, under one client: cookies are those of the client, whatever the way."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Callable, Generic, TypeVar

import httpx

MOST = 64
"""Proxies whose connections are kept; a service may name thousands."""
PROXY = "funboost_spider.proxy"
"""The extension of a request that says which proxy it takes; redirects keep it."""

T = TypeVar("T")


class Pools(Generic[T]):
    """Transports by proxy, the least used one forgotten; its connections close when their last request ends."""

    def __init__(self, open_pool: Callable[[str | None], T]) -> None:
        self._open = open_pool
        self._pools: OrderedDict[str | None, T] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, request: httpx.Request) -> T:
        """The transport that this request takes."""
        proxy = request.extensions.get(PROXY)
        with self._lock:
            if proxy not in self._pools:
                self._pools[proxy] = self._open(proxy)
                if len(self._pools) > MOST:
                    self._pools.popitem(last=False)
            self._pools.move_to_end(proxy)
            return self._pools[proxy]

    def clear(self) -> list[T]:
        """Forget all of them."""
        with self._lock:
            pools = list(self._pools.values())
            self._pools.clear()
            return pools


class ProxyTransport(httpx.BaseTransport):
    """Sends each request through its proxy."""

    def __init__(self, pools: Pools[httpx.HTTPTransport]) -> None:
        self._pools = pools

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """As httpx calls it."""
        return self._pools.of(request).handle_request(request)

    def close(self) -> None:
        """Close all connections."""
        for pool in self._pools.clear():
            pool.close()


class AsyncProxyTransport(httpx.AsyncBaseTransport):
    """Sends each request through its proxy."""

    def __init__(self, pools: Pools[httpx.AsyncHTTPTransport]) -> None:
        self._pools = pools

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """As httpx calls it."""
        return await self._pools.of(request).handle_async_request(request)

    async def aclose(self) -> None:
        """Close all connections."""
        for pool in self._pools.clear():
            await pool.aclose()
