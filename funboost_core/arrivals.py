"""Several results in the order in which they arrive: for a thread or greenlet, and for a coroutine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from .native import Lock, event

if TYPE_CHECKING:
    import asyncio

    from .environment import Environment
    from .mailbox import Mailbox, Question

W = TypeVar("W")

SLICE = 0.2
"""A thread that waits longer can be interrupted so often (`function_timeout`, kills)."""


class Wait(NamedTuple):
    """What is waited for on behalf of `who`."""

    who: Any
    environment: Environment
    task_id: str
    timeout: float


class _Arrivals(ABC, Generic[W]):
    """The questions to the mailboxes, and what has come."""

    def __init__(self, waits: Sequence[Wait]) -> None:
        self._waits = waits
        self._left = len(waits)
        self._questions: list[tuple[Mailbox, Question]] = []
        self._self_waits: list[tuple[Mailbox, str | None]] = []
        self._came: deque[tuple[W, bytes | None, BaseException | None]] = deque()

    @abstractmethod
    def _hear(self, who: W, payload: bytes | None, error: BaseException | None) -> None:
        """From the mailbox, on a thread of the framework."""

    def _begin(self) -> None:
        mailboxes: dict[Mailbox, list[str]] = {}
        for wait in self._waits:
            if wait.timeout > 0:
                mailboxes.setdefault(wait.environment.mailbox, []).append(wait.task_id)
        try:
            for mailbox, task_ids in mailboxes.items():
                self._self_waits.append((mailbox, mailbox.self_waits.begin(task_ids)))
            for wait in self._waits:
                mailbox = wait.environment.mailbox
                question = mailbox.ask(wait.task_id, wait.timeout, partial(self._hear, wait.who))
                self._questions.append((mailbox, question))
        except BaseException:
            self._end()
            raise

    def _end(self) -> None:
        for mailbox, queue in self._self_waits:
            mailbox.self_waits.end(queue)
        if self._left:
            for mailbox, question in self._questions:
                mailbox.forget([question])

    def _take(self) -> tuple[W, bytes | None]:
        who, payload, error = self._came.popleft()
        self._left -= 1
        if error is not None:
            raise error
        return who, payload


class Arrivals(_Arrivals[W]):
    """For one thread or greenlet.

    Example::

        with Arrivals(waits) as arrivals:
            for who, payload in arrivals:
                ...
    """

    def __init__(self, waits: Sequence[Wait]) -> None:
        super().__init__(waits)
        self._lock = Lock()
        self._bell: Any = None

    def __enter__(self) -> Arrivals[W]:
        self._begin()
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _hear(self, who: W, payload: bytes | None, error: BaseException | None) -> None:
        with self._lock:
            self._came.append((who, payload, error))
            bell, self._bell = self._bell, None
        if bell is not None:
            bell.set()

    def __iter__(self) -> Arrivals[W]:
        return self

    def __next__(self) -> tuple[W, bytes | None]:
        if not self._left:
            raise StopIteration
        with self._lock:
            bell = None if self._came else event()
            self._bell = bell
        while bell is not None and not bell.wait(SLICE):
            pass
        return self._take()


class AioArrivals(_Arrivals[W]):
    """For a coroutine: ``async with``, ``async for``."""

    def __init__(self, waits: Sequence[Wait]) -> None:
        import asyncio

        super().__init__(waits)
        self._loop = asyncio.get_running_loop()
        self._next: asyncio.Future[None] | None = None

    async def __aenter__(self) -> AioArrivals[W]:
        self._begin()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._end()

    def _hear(self, who: W, payload: bytes | None, error: BaseException | None) -> None:
        try:
            self._loop.call_soon_threadsafe(self._put, who, payload, error)
        except RuntimeError:  # the loop has ended: nobody waits any more
            pass

    def _put(self, who: W, payload: bytes | None, error: BaseException | None) -> None:
        self._came.append((who, payload, error))
        if self._next is not None and not self._next.done():
            self._next.set_result(None)

    def __aiter__(self) -> AioArrivals[W]:
        return self

    async def __anext__(self) -> tuple[W, bytes | None]:
        if not self._left:
            raise StopAsyncIteration
        if not self._came:
            self._next = self._loop.create_future()
            await self._next
        return self._take()
