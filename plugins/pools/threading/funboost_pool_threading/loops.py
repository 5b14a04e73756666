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
        self._close(get_ident())

    def close_abandoned(self) -> None:
        """Close the loops of threads that were not the pool's own, an engine's for example, where nothing runs."""
        for ident, loop in list(self._loops.items()):
            if not loop.is_running():
                self._close(ident)

    def _close(self, ident: int) -> None:
        loop = self._loops.pop(ident, None)
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
