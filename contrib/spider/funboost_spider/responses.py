"""httpx's response with selectors, an encoding found as browsers find it, and a limit of its size."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import httpx
from w3lib.encoding import html_body_declared_encoding, read_bom, resolve_encoding

if TYPE_CHECKING:
    from re import Pattern

    import parsel

_UNPACKED = {"content-encoding", "content-length", "transfer-encoding"}


class BodyTooLarge(httpx.RequestError):
    """A response has more bytes than `max_bytes` of the client allows."""


class Response(httpx.Response):
    r"""A response whose body is here.  All of httpx's, and selectors on it.

    Example::

        response = client.get("https://example.com/")
        response.css("h1::text").get()
        response.xpath("//a/@href").getall()
        response.re(r"id=(\d+)")
    """

    @functools.cached_property
    def selector(self) -> parsel.Selector:
        """The whole document, for parsel; XML where the server says so."""
        import parsel

        kind = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        xml = kind.endswith(("/xml", "+xml")) and kind != "application/xhtml+xml"
        return parsel.Selector(text=self.text, type="xml" if xml else "html", base_url=str(self.url))

    def css(self, query: str) -> parsel.SelectorList[parsel.Selector]:
        """What a CSS selector finds; ``::text`` and ``::attr(name)`` work."""
        return self.selector.css(query)

    def xpath(self, query: str, **variables: Any) -> parsel.SelectorList[parsel.Selector]:
        """What an XPath expression finds; `variables` are its ``$name``."""
        return self.selector.xpath(query, **variables)

    def re(self, pattern: str | Pattern[str]) -> list[str]:
        """What a regular expression finds in the text as it was sent: its groups, else the whole matches."""
        import parsel

        return parsel.Selector(text=self.text, type="text").re(pattern)

    def re_first(self, pattern: str | Pattern[str], default: str | None = None) -> str | None:
        """The first of `re`, else `default`."""
        return next(iter(self.re(pattern)), default)

    @property
    def charset_encoding(self) -> str | None:
        """The charset of the header, as browsers read it: gb2312 is gb18030."""
        said = super().charset_encoding
        return said and (resolve_encoding(said) or said)


def declared_encoding(body: bytes) -> str:
    """The encoding of a body whose header names none: its mark, what its ``<meta>`` says, else UTF-8."""
    return read_bom(body)[0] or html_body_declared_encoding(body) or "utf-8"


class Body:
    """Collects the body of one response, up to a limit."""

    def __init__(self, response: httpx.Response, most: int) -> None:
        self._response, self._most, self._size = response, most, 0
        self._chunks: list[bytes] = []
        length = response.headers.get("Content-Length", "")
        if response.request.method != "HEAD" and length.isdecimal():
            self._check(int(length))

    def add(self, chunk: bytes) -> None:
        """
        Raises:
            BodyTooLarge: that is too much.
        """
        self._size += len(chunk)
        self._check(self._size)
        self._chunks.append(chunk)

    def _check(self, size: int) -> None:
        if size > self._most:
            raise BodyTooLarge(
                f"{self._response.url} sends over {self._most} bytes. Give the client a larger max_bytes.",
                request=self._response.request,
            )

    def finish(self, earlier: Sequence[httpx.Response] = ()) -> Response:
        """The response with its body."""
        raw = self._response
        response = Response(
            raw.status_code,
            headers=[(name, value) for name, value in raw.headers.multi_items() if name.lower() not in _UNPACKED],
            content=b"".join(self._chunks),
            request=raw.request,
            extensions={name: value for name, value in raw.extensions.items() if name != "network_stream"},
            default_encoding=declared_encoding,
        )
        response.history, response.next_request, response.elapsed = list(earlier), raw.next_request, raw.elapsed
        return response
