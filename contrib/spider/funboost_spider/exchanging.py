"""The course of one call, without input or output: what to send, how long to wait, what to return.

Both clients drive the same generator, one with blocking calls, one with coroutines.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Callable, Union

import httpx

from .responses import Response
from .retrying import Answer, Retry

Step = Union[httpx.Request, float]
"""A request to send, or seconds to wait."""
Course = Generator[Step, "Answer | None", Response]


def exchange(make: Callable[[], httpx.Request], retry: Retry, redirects: int | None) -> Course:
    """Yield steps, be sent their answers (None for a wait), return the response.

    Args:
        make: the request of an attempt; every attempt has its own proxy and headers.
        redirects: how many are followed; None: they are returned as they are.

    Raises:
        httpx.HTTPStatusError: the last attempt has a status that is tried again.
        httpx.RequestError: the last attempt has no response.
    """
    attempt = 0
    while True:
        attempt += 1
        request = make()
        answer = yield from _follow(request, redirects)
        if not retry.wanted(answer, request.method):
            return _returned(answer)
        wait = retry.wait(answer, attempt)
        if attempt > retry.times or wait is None:
            if isinstance(answer, Response):
                answer.raise_for_status()
            return _returned(answer)
        yield wait


def _follow(request: httpx.Request, most: int | None) -> Generator[Step, Answer | None, Answer]:
    """The answer at the end of the redirects.  Each is a step, so that each has the limits of one."""
    earlier: list[httpx.Response] = []
    while True:
        answer = yield request
        assert answer is not None
        if not isinstance(answer, Response):
            return answer
        answer.history = list(earlier)
        if answer.next_request is None or most is None:
            return answer
        if len(earlier) >= most:
            return httpx.TooManyRedirects(f"{request.url} is the end of {most} redirects.", request=request)
        earlier.append(answer)
        request = answer.next_request


def _returned(answer: Answer) -> Response:
    if isinstance(answer, Response):
        return answer
    raise answer
