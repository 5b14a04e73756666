"""How a run is reached that is to end: an exception in its thread, a cancelled coroutine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, TypeVar

from ..errors import RunInterrupted
from ..native import Lock, get_ident, sleep
from ..ports.pool import Interrupter
from ..shielding import exposed

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task

    from ..shielding import Shield

R = TypeVar("R")
Throw = Callable[[int, type[BaseException]], None]


def thrower() -> Throw | None:
    """What throws an exception into a thread, at its next byte code, instead of one that has not arrived yet; None where
    the interpreter cannot."""
    try:
        import ctypes

        throw = ctypes.pythonapi.PyThreadState_SetAsyncExc
    except (ImportError, AttributeError):
        return None

    def to(ident: int, error: type[BaseException]) -> None:
        throw(ctypes.c_ulong(ident), ctypes.py_object(error))

    return to


class ThreadInterrupter(Interrupter):
    """The run is on this thread; what blocks in a call outside Python is reached when that call returns."""

    def __init__(self, throw: Throw) -> None:
        self._throw = throw
        self._ident = get_ident()
        self._thrown = False
        self._lock = Lock()  # between looking for a shield and throwing none is raised
        self._shields = 0
        self._late: Callable[[], bool] | None = None
        self._outer: Shield | None = None

    def enter(self) -> None:
        """What the run calls may ask for a shield."""
        self._outer = exposed.get(self._ident)
        exposed[self._ident] = self

    def leave(self) -> None:
        """The run around this one, if there is one, may again."""
        if self._outer is None:
            exposed.pop(self._ident, None)
        else:
            exposed[self._ident] = self._outer

    def throw(self, claim: Callable[[], bool]) -> None:
        """At the next byte code that no shield covers."""
        with self._lock:
            if self._shields:
                self._late = claim
            elif claim():
                try:
                    self._throw(self._ident, RunInterrupted)
                finally:
                    self._thrown = True

    def shield(self, function: Callable[..., R], *args: Any) -> R:
        """``function(*args)``, into which nothing is thrown; what was to be thrown meanwhile is thrown then."""
        with self._lock:
            self._shields += 1
        try:
            for _ in range(2):  # what was thrown before arrives here
                pass
            return function(*args)
        finally:
            with self._lock:
                self._shields -= 1
                late, self._late = self._late, None
            if late is not None:
                self.throw(late)

    def absorb(self) -> None:
        """Wait until it has been thrown, and until it arrives; once more where it has: the function may have swallowed it.

        It is not taken back: up to Python 3.11 the interpreter would look for it for ever, before each call and in each
        loop, and would go no further where it is traced (by a debugger, by coverage).
        """
        while not self._thrown:
            sleep(0.0005)
        try:
            self._throw(self._ident, RunInterrupted)
            while True:
                sleep(0)
        except RunInterrupted:
            pass


class CoroutineInterrupter(Interrupter):
    """The run is the asyncio task that is current here."""

    def __init__(self) -> None:
        import asyncio

        task = asyncio.current_task()
        assert task is not None
        self._task: Task[object] = task
        self._loop: AbstractEventLoop = asyncio.get_running_loop()

    def throw(self, claim: Callable[[], bool]) -> None:
        """Cancel it, on its loop."""
        try:
            self._loop.call_soon_threadsafe(self._cancel, claim)
        except RuntimeError:  # the loop is closed: it has ended
            return

    def _cancel(self, claim: Callable[[], bool]) -> None:
        if claim():
            self._task.cancel()
