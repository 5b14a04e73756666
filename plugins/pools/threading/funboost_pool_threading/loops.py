"""Event loops for threads that run coroutines: one a thread, closed with it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Callable

from funboost_core.native import get_ident

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop


class Loops:
    """The loops of one pool by thread."""

    def __init__(self) -> None:
        self._loops: dict[int, AbstractEventLoop] = {}

    def blocking(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The coroutine function as a blocking one."""

        @functools.wraps(function)
        def call(**arguments: Any) -> Any:
            return self._mine().run_until_complete(function(**arguments))

        return call

    def close_mine(self) -> None:
        """Close the loop of this thread, if it has one."""
        loop = self._loops.pop(get_ident(), None)
        if loop is not None:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    def _mine(self) -> AbstractEventLoop:
        loop = self._loops.get(get_ident())
        if loop is None:
            import asyncio

            loop = self._loops[get_ident()] = asyncio.new_event_loop()
            asyncio.set_event_loop(loop)
        return loop
