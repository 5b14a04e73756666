"""Which answers are tried again, and after how long."""

from __future__ import annotations

import dataclasses
import datetime
import email.utils
import random
from typing import Union

import httpx

from .responses import BodyTooLarge, Response

Answer = Union[Response, httpx.RequestError]
"""What came of one request: a response with its body, or why there is none."""

_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_HOPELESS = (BodyTooLarge, httpx.TooManyRedirects, httpx.UnsupportedProtocol, httpx.DecodingError)


@dataclasses.dataclass(frozen=True)
class Retry:
    """When a request is sent again.

    The wait before attempt n + 1 is random between nothing and ``base * 2 ** (n - 1)`` seconds, at most `longest`: many
    crawlers that fail together do not come back together.  A server's Retry-After is a lower bound of it.

    Args:
        times: attempts after the first one.
        statuses: of responses that are tried again.  403 is none of them; add it where it means "not this proxy".
        methods: what may be sent twice.  A request of another method is sent again only when it never left: when
            there was no connection, or when the server said 429 or 503.
        base: seconds.
        longest: seconds.  When a server's Retry-After is longer, the response is an error at once: a task should not
            hold its thread for so long, its queue can (`max_retry_times`, `retry_interval`, ``countdown``).

    Example::

        RequestClient(retry=Retry(times=5, statuses=Retry.statuses | {403}))
    """

    times: int = 3
    statuses: frozenset[int] = frozenset({408, 425, 429, 500, 502, 503, 504})
    methods: frozenset[str] = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})
    base: float = 0.5
    longest: float = 30.0

    def wanted(self, answer: Answer, method: str) -> bool:
        """Whether this answer to a request of this method is worth another attempt."""
        safe = method.upper() in self.methods
        if isinstance(answer, Response):
            return answer.status_code in self.statuses and (safe or answer.status_code in (429, 503))
        return not isinstance(answer, _HOPELESS) and (safe or isinstance(answer, _UNSENT))

    def wait(self, answer: Answer, attempt: int) -> float | None:
        """Seconds before the next attempt; None: the server asks for more than `longest`.

        Args:
            attempt: number of the one that has failed, from 1.
        """
        asked = retry_after(answer) if isinstance(answer, Response) else 0.0
        if asked > self.longest:
            return None
        return max(asked, random.uniform(0, min(self.longest, self.base * 2 ** (attempt - 1))))


def retry_after(response: httpx.Response) -> float:
    """Seconds that the header Retry-After asks for, a number or a date; 0 where it says nothing that can be read."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        until = email.utils.parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return 0.0
    if until.tzinfo is None:  # "-0000"; the header's times are UTC
        until = until.replace(tzinfo=datetime.timezone.utc)
    return max(0.0, (until - datetime.datetime.now(datetime.timezone.utc)).total_seconds())
