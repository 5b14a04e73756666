"""Event loops for pools whose threads run coroutines: one a thread, closed by it."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Callable

from .native import Thread, get_ident

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop


class Loops:
    """The loops of one pool by thread.

    Example::

        loops = Loops()
        call = loops.blocking(coroutine_function)
        Thread(target=loops.live, args=(lambda: call(x=1),)).start()
        loops.close_abandoned()
    """

    def __init__(self) -> None:
        self._loops: dict[int, AbstractEventLoop] = {}
        self._alive: set[int] = set()  # the pool's own threads: nobody else closes their loops

    def blocking(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The coroutine function as a blocking one."""

        @functools.wraps(function)
        def call(**arguments: Any) -> Any:
            return self._mine().run_until_complete(function(**arguments))

        return call

    def live(self, work: Callable[[], None]) -> None:
        """The life of a thread of the pool, which closes its loop when it ends, however late that is."""
        ident = get_ident()
        self._alive.add(ident)
        try:
            work()
        finally:
            self._close([ident])
            self._alive.discard(ident)

    def close_abandoned(self) -> None:
        """Close the loops of threads that were not the pool's own, an engine's for example, where nothing runs."""
        loops = self._loops.copy().items()
        abandoned = [ident for ident, loop in loops if ident not in self._alive and not loop.is_running()]
        if abandoned:  # on another thread, for a loop may be running on this one
            thread = Thread(target=self._close, args=(abandoned,), daemon=True)
            thread.start()
            thread.join()

    def _close(self, idents: Iterable[int]) -> None:
        for loop in filter(None, [self._loops.pop(ident, None) for ident in idents]):
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    def _mine(self) -> AbstractEventLoop:
        loop = self._loops.get(get_ident())
        if loop is None:
            import asyncio

            loop = self._loops[get_ident()] = asyncio.new_event_loop()
            asyncio.set_event_loop(loop)
        return loop
