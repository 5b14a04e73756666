"""The request clients: one for threads, one for coroutines; what they do is in `exchanging`."""

from __future__ import annotations

import asyncio
import functools
import ssl
import time
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Callable, Generic, TypeVar, Union

import httpx

from .choices import Choice, chooser
from .exchanging import Course, exchange
from .responses import Body, Response
from .retrying import Answer, Retry
from .transports import PROXY, AsyncProxyTransport, Pools, ProxyTransport

if TYPE_CHECKING:
    from typing_extensions import Self

Headers = Union[Mapping[str, str], Callable[[], Mapping[str, str]], None]
Returned = TypeVar("Returned")
TIMEOUT = httpx.Timeout(20, connect=10, pool=60)
LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=30)


@functools.cache
def _checking(http2: bool) -> ssl.SSLContext:
    """One context for all clients and proxies, for making it takes 20 ms; connections write `http2` into it."""
    return httpx.create_ssl_context()


class _Client(ABC, Generic[Returned]):
    """What both clients have: their arguments, the requests they make, the names of the methods."""

    def __init__(
        self,
        *,
        retry: Retry | int = Retry(),  # noqa: B008  it is frozen
        proxies: Choice = None,
        user_agents: Choice = None,
        headers: Headers = None,
        cookies: Mapping[str, str] | None = None,
        timeout: httpx.Timeout | float = TIMEOUT,
        max_bytes: int = 32 * 1024 * 1024,
        max_redirects: int = 10,
        base_url: str = "",
        verify: ssl.SSLContext | bool = True,
        http2: bool = False,
        limits: httpx.Limits = LIMITS,
    ) -> None:
        """
        Args:
            retry: when a request is sent again; a number: how often.
            proxies: URL of a proxy, several in turn, or a function that returns one or None (direct), called in
                every attempt.  Left out, the environment decides (HTTPS_PROXY …), as in httpx.
            user_agents: the header User-Agent, several in turn, or a function that returns one.
            headers: sent with every request; a function is called in every attempt.
            cookies: to begin with; those that servers set are kept, for all threads or coroutines that use the client.
            timeout: seconds; by default 10 to connect, 20 without a byte, 60 for a free connection.
            max_bytes: of a body, unpacked.
            max_redirects: that are followed.
            base_url: what relative URLs begin with.
            verify: whether certificates are checked, or a context that says how.
            http2: needs ``pip install httpx[http2]``.
            limits: of connections; by default as many as there are runs at once.
        """
        self._retry = Retry(times=retry) if isinstance(retry, int) else retry
        self._proxy, self._user_agent = chooser(proxies), chooser(user_agents)
        self._headers: Callable[[], Mapping[str, str]] = headers if callable(headers) else lambda: headers or {}
        self._max_bytes, self._max_redirects = max_bytes, max_redirects
        connecting: dict[str, Any] = {"http2": http2, "limits": limits}
        connecting["verify"] = _checking(http2) if verify is True else verify
        transport = None if proxies is None else self._transport(connecting)
        own = {"base_url": base_url, "cookies": cookies, "timeout": timeout, "transport": transport}
        self.client: Any = self._open({**own, **connecting})
        """The client of httpx, for what is not here."""

    @abstractmethod
    def _transport(self, connecting: dict[str, Any]) -> Any: ...

    @abstractmethod
    def _open(self, arguments: dict[str, Any]) -> Any: ...

    @abstractmethod
    def request(self, method: str, url: str, *, follow_redirects: bool = True, **options: Any) -> Returned:
        """Send a request, again if need be, and return the response with its body.

        A response whose status is none of `retry.statuses` is returned, 404 too; `raise_for_status` makes it an error.

        Args:
            method: of any case.
            url: absolute, or relative to `base_url`.
            follow_redirects: False returns a redirect as it is.
            options: as in httpx: ``params``, ``headers``, ``cookies``, ``content``, ``data``, ``json``, ``files``,
                ``timeout``.

        Raises:
            httpx.HTTPStatusError: the last attempt still had a status that is tried again.
            httpx.RequestError: the last attempt had no response; `BodyTooLarge` is one.
        """

    def get(self, url: str, **options: Any) -> Returned:
        """`request` with GET."""
        return self.request("GET", url, **options)

    def head(self, url: str, **options: Any) -> Returned:
        """`request` with HEAD."""
        return self.request("HEAD", url, **options)

    def post(self, url: str, **options: Any) -> Returned:
        """`request` with POST, which is sent again only when it never left (`Retry.methods`)."""
        return self.request("POST", url, **options)

    def put(self, url: str, **options: Any) -> Returned:
        """`request` with PUT."""
        return self.request("PUT", url, **options)

    def delete(self, url: str, **options: Any) -> Returned:
        """`request` with DELETE."""
        return self.request("DELETE", url, **options)

    @property
    def cookies(self) -> httpx.Cookies:
        """The cookies of the session."""
        cookies: httpx.Cookies = self.client.cookies
        return cookies

    def _course(self, method: str, url: str, follow_redirects: bool, options: dict[str, Any]) -> Course:
        last: list[str | None] = [None, None]
        given = options.pop("headers", None)
        if not isinstance(options.get("content", b""), (bytes, str)):
            raise TypeError("content= must be bytes or str: a stream cannot be sent again. Read it first.")

        def make() -> httpx.Request:
            proxy, user_agent = last[:] = self._proxy(last[0]), self._user_agent(last[1])
            headers = httpx.Headers({"User-Agent": user_agent} if user_agent else {})
            headers.update(self._headers())
            headers.update(given)
            extensions = {"timeout": self.client.timeout.as_dict(), PROXY: proxy}
            if "timeout" in options:
                extensions["timeout"] = httpx.Timeout(options["timeout"]).as_dict()
            request: httpx.Request = self.client.build_request(
                method.upper(), url, headers=headers, extensions=extensions, **options
            )
            return request

        return exchange(make, self._retry, self._max_redirects if follow_redirects else None)


class RequestClient(_Client[Response]):
    """A request client for threads: share one, its session and its connections, between all of them.

    Example::

        client = RequestClient(proxies=["http://10.0.0.1:8080", "http://10.0.0.2:8080"], user_agents=AGENTS)

        @boost(BoosterParams(queue_name="pages", qps=5, max_retry_times=3))
        def crawl(url):
            page = client.get(url)
            title = page.css("title::text").get()
    """

    def request(self, method: str, url: str, *, follow_redirects: bool = True, **options: Any) -> Response:  # noqa: D102
        course, answer = self._course(method, url, follow_redirects, options), None
        try:
            while True:
                step = course.send(answer)
                if isinstance(step, httpx.Request):
                    answer = self._send(step)
                else:
                    time.sleep(step)
                    answer = None
        except StopIteration as end:
            response: Response = end.value
            return response

    request.__doc__ = _Client.request.__doc__

    def _send(self, request: httpx.Request) -> Answer:
        try:
            response = self.client.send(request, stream=True, follow_redirects=False)
            try:
                body = Body(response, self._max_bytes)
                for chunk in response.iter_bytes():
                    body.add(chunk)
            finally:
                response.close()
            return body.finish()
        except httpx.RequestError as error:
            return error

    def _transport(self, connecting: dict[str, Any]) -> ProxyTransport:
        return ProxyTransport(Pools(lambda proxy: httpx.HTTPTransport(proxy=proxy, **connecting)))

    def _open(self, arguments: dict[str, Any]) -> httpx.Client:
        return httpx.Client(**arguments)

    def close(self) -> None:
        """Close all connections."""
        self.client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class AsyncRequestClient(_Client[Coroutine[Any, Any, Response]]):
    """The same for coroutines.  It belongs to the event loop that first uses it."""

    async def request(  # noqa: D102
        self, method: str, url: str, *, follow_redirects: bool = True, **options: Any
    ) -> Response:
        course, answer = self._course(method, url, follow_redirects, options), None
        try:
            while True:
                step = course.send(answer)
                if isinstance(step, httpx.Request):
                    answer = await self._send(step)
                else:
                    await asyncio.sleep(step)
                    answer = None
        except StopIteration as end:
            response: Response = end.value
            return response

    request.__doc__ = _Client.request.__doc__

    async def _send(self, request: httpx.Request) -> Answer:
        try:
            response = await self.client.send(request, stream=True, follow_redirects=False)
            try:
                body = Body(response, self._max_bytes)
                async for chunk in response.aiter_bytes():
                    body.add(chunk)
            finally:
                await response.aclose()
            return body.finish()
        except httpx.RequestError as error:
            return error

    def _transport(self, connecting: dict[str, Any]) -> AsyncProxyTransport:
        return AsyncProxyTransport(Pools(lambda proxy: httpx.AsyncHTTPTransport(proxy=proxy, **connecting)))

    def _open(self, arguments: dict[str, Any]) -> httpx.AsyncClient:
        return httpx.AsyncClient(**arguments)

    async def aclose(self) -> None:
        """Close all connections."""
        await self.client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()
